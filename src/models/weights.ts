import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { copyTokenizer } from '../checkpoint/copy-tokenizer.js';
import {
  f32ToBf16,
  type TensorToWrite,
  WeightFiles,
  writeShards,
  writeTextAtomic,
} from '../checkpoint/index.js';
import type { FileWeight } from '../engine/index.js';
import { SluiceError } from '../errors.js';
import { configText } from './config-text.js';
import type { Model } from './model.js';
import { fileTensors, type ParameterSpec } from './parameter.js';
import { codesName, quantizeParameter, scalesName } from './quantize.js';
import { plainStorage, storedDtype } from './storage.js';
import { weightInFiles } from './weights-in-files.js';

/** The part of an engine session that weights need. */
export interface StateStore {
  setState(
    name: string,
    dtype: 'f32' | 'bf16' | 'u8',
    shape: readonly number[],
    data: Float32Array | Uint16Array | Uint8Array | null,
  ): void;
  getState(name: string): { shape: readonly number[]; data: ArrayBufferView };
  /** Fills states that exist: read, converted and quantised natively; where it is missing, all that is done here. */
  readWeights?(weights: readonly FileWeight[]): void;
}

/** Buffers that old files carry and nobody trains. */
const knownBuffers = /(^|\.)rotary_emb\.inv_freq$/;

/**
 * Puts the weights of a Hugging Face folder into the session, a piece at a time, converted to f32 or held as the model
 * says (`Model.stored`).
 *
 * @throws SluiceError `model.weights` listing every missing, extra or wrongly shaped tensor
 */
export function loadWeights(model: Model, folder: string, states: StateStore): void {
  const files = WeightFiles.open(folder);
  try {
    const parameters = model.parameters();
    const stored = matchNames(model, files, parameters, folder);
    if (states.readWeights) {
      const found = parameters.map((parameter) => weightInFiles(parameter, model.storage, files, stored));
      for (const { name, dtype, shape } of found.flatMap(({ states }) => states))
        states.setState(name, dtype, shape, null);
      states.readWeights(found.map(({ weight }) => weight));
    } else {
      for (const parameter of parameters) put(states, model, parameter, read(parameter, files, stored));
    }
  } finally {
    files.close();
  }
}

/**
 * Throws what loadWeights throws where names or shapes do not fit; reads no weights. A stand-in, which has none, fits: see
 * saveModelStandIn.
 */
export function checkWeights(model: Model, folder: string): void {
  const files = WeightFiles.open(folder);
  try {
    if ([...files.names].length > 0) matchNames(model, files, model.parameters(), folder);
  } finally {
    files.close();
  }
}

function put(states: StateStore, { storage }: Model, parameter: ParameterSpec, data: Float32Array): void {
  const { name, shape, projection } = parameter;
  if (storage.quantization !== null && projection !== undefined) {
    const { codes, scales, shapes } = quantizeParameter(storage.quantization, parameter, data);
    states.setState(codesName(name), 'u8', shapes.codes, codes);
    states.setState(scalesName(name), 'f32', shapes.scales, scales);
  } else if (storedDtype(storage, parameter) === 'bf16') {
    states.setState(name, 'bf16', shape, f32ToBf16(data));
  } else {
    states.setState(name, 'f32', shape, data);
  }
}

/** Canonical name -> name in the file, once everything that is needed is there and nothing else. */
function matchNames(
  model: Model,
  files: WeightFiles,
  parameters: readonly ParameterSpec[],
  folder: string,
): Map<string, string> {
  const canonical = model.architecture.canonicalName ?? ((name: string) => name);
  const stored = new Map<string, string>();
  for (const name of files.names) {
    const known = knownBuffers.test(name) ? null : canonical(name);
    if (known !== null) stored.set(known, name);
  }
  const problems: string[] = [];
  const wanted = new Set<string>();
  for (const tensor of parameters.flatMap(fileTensors)) {
    wanted.add(tensor.name);
    const name = stored.get(tensor.name);
    if (name === undefined) problems.push(`${tensor.name} [${tensor.shape}] is missing`);
    else if (String(files.shape(name)) !== String(tensor.shape)) {
      problems.push(`${name} is [${files.shape(name)}], config.json asks for [${tensor.shape}]`);
    }
  }
  const tied = !wanted.has('lm_head.weight');
  for (const [name, inFile] of stored) {
    const isTiedCopy = tied && name === 'lm_head.weight';
    if (!wanted.has(name) && !isTiedCopy) problems.push(`${inFile} is not part of this model`);
  }
  if (problems.length === 0) return stored;
  const shown = problems.slice(0, 8).join('; ');
  const more = problems.length > 8 ? `; and ${problems.length - 8} more` : '';
  throw new SluiceError('model.weights', `${folder}: weights do not fit config.json: ${shown}${more}`, {
    where: folder,
    hint: 'config.json and the weights must come from the same model; with init_from what asks is `model` of the run',
  });
}

function read(
  parameter: ParameterSpec,
  files: WeightFiles,
  stored: ReadonlyMap<string, string>,
): Float32Array {
  const parts = fileTensors(parameter);
  if (parts.length === 1 && !parameter.stacked) return files.readF32(stored.get(parts[0]!.name)!);
  const whole = new Float32Array(parameter.shape.reduce((product, size) => product * size, 1));
  const step = whole.length / parts.length;
  parts.forEach((part, index) => {
    whole.set(files.readF32(stored.get(part.name)!), index * step);
  });
  return whole;
}

/**
 * The tensors of parameters as a Hugging Face folder names them, read from the session: whole ones when they are
 * written, stacks of experts now, in the dtype that `storage` holds them in.
 */
export function collectWeights(
  parameters: readonly ParameterSpec[],
  states: StateStore,
  storage = plainStorage,
): TensorToWrite[] {
  return parameters.flatMap((parameter): TensorToWrite[] => {
    const dtype = storedDtype(storage, parameter) === 'bf16' ? 'BF16' : 'F32';
    if (!parameter.stacked) {
      const { name, shape } = parameter;
      return [{ name, dtype, shape, data: () => states.getState(name).data }];
    }
    const { data } = states.getState(parameter.name);
    const parts = fileTensors(parameter);
    const step = data.byteLength / parts.length;
    return parts.map(({ name, shape }, index) => ({
      name,
      dtype,
      shape,
      data: new Uint8Array(data.buffer, data.byteOffset + index * step, step),
    }));
  });
}

/** What a model folder needs besides weights. */
export interface ModelFolderOptions {
  /** Written as generation_config.json. */
  readonly generation?: Readonly<Record<string, unknown>>;
  /** Tokenizer files are copied from here. */
  readonly tokenizerFolder?: string;
  /** Weights beyond this many bytes go into several files with an index. Default: 5 GB, as Transformers. */
  readonly shardBytes?: number;
}

/** Writes config.json, model.safetensors (or shards), generation_config.json and tokenizer files: a folder that Transformers loads. */
export function saveModelFolder(
  model: Model,
  states: StateStore,
  folder: string,
  options: ModelFolderOptions = {},
): void {
  mkdirSync(folder, { recursive: true });
  writeShards(folder, collectWeights(model.parameters(), states, model.storage), options.shardBytes);
  writeModelFiles(model, folder, options);
}

/** The same without weights, for what needs a model's shapes alone: the plans of steps that come after its training. */
export function saveModelStandIn(model: Model, folder: string, options: ModelFolderOptions = {}): void {
  mkdirSync(folder, { recursive: true });
  writeShards(folder, [], options.shardBytes);
  writeModelFiles(model, folder, options);
}

function writeModelFiles(model: Model, folder: string, options: ModelFolderOptions): void {
  const dtype = model.storage.dtype === 'bf16' ? 'bfloat16' : 'float32';
  const config = { ...model.config, torch_dtype: dtype, dtype };
  writeTextAtomic(join(folder, 'config.json'), configText(config));
  const generation = options.generation ?? defaultGeneration(model.config);
  writeTextAtomic(join(folder, 'generation_config.json'), `${JSON.stringify(generation, null, 2)}\n`);
  if (options.tokenizerFolder !== undefined) copyTokenizer(options.tokenizerFolder, folder);
}

function defaultGeneration(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const keys = ['bos_token_id', 'eos_token_id', 'pad_token_id'].filter((key) => config[key] !== undefined);
  return { _from_model_config: true, ...Object.fromEntries(keys.map((key) => [key, config[key]])) };
}
