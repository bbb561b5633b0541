import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { WeightFiles, writeSafetensors, writeTextAtomic } from '../../checkpoint/index.js';
import { SluiceError } from '../../errors.js';
import { ConfigReader, readJsonObject } from '../config-reader.js';
import { configText } from '../config-text.js';
import { fileTensors, type ParameterSpec } from '../parameter.js';
import { collectWeights, type StateStore } from '../weights.js';
import type { LoraAdapter, LoraConfig } from './lora.js';

const configName = 'adapter_config.json';

/** Reads adapter_config.json of a PEFT folder. Throws `adapter.unsupported` for what would change the numbers. */
export function readPeftConfig(folder: string): LoraConfig {
  const file = join(folder, configName);
  const config = new ConfigReader(readJsonObject(file), file);
  config.choice('peft_type', ['LORA']);
  for (const key of ['use_dora', 'use_qalora', 'lora_bias']) {
    if (config.boolean(key, false)) throw unsupported(file, key);
  }
  for (const key of ['rank_pattern', 'alpha_pattern']) {
    if (Object.keys(config.object(key)?.raw ?? {}).length > 0) throw unsupported(file, key);
  }
  for (const key of ['modules_to_save', 'layers_to_transform', 'target_parameters', 'exclude_modules']) {
    if (isSet(config.raw[key])) throw unsupported(file, key);
  }
  if (config.string('bias', 'none') !== 'none') throw unsupported(file, 'bias');
  return {
    rank: config.integer('r'),
    alpha: config.number('lora_alpha'),
    dropout: config.number('lora_dropout', 0),
    targetModules:
      typeof config.raw.target_modules === 'string'
        ? config.string('target_modules')
        : (config.strings('target_modules') ?? []),
    rankStabilized: config.boolean('use_rslora', false),
  };
}

/** Puts the adapter's matrices into the session. `adapter` must have been traced, so that its parameters are known. */
export function loadPeftWeights(folder: string, adapter: LoraAdapter, states: StateStore): void {
  const files = WeightFiles.open(folder, 'adapter_model');
  try {
    const parameters = [...adapter.parameters.values()];
    const wanted = parameters.flatMap((parameter) => fileTensors(parameter));
    const problems = [
      ...wanted.filter(({ name }) => !files.has(name)).map(({ name }) => `${name} is missing`),
      ...wanted
        .filter(({ name, shape }) => files.has(name) && String(files.shape(name)) !== String(shape))
        .map(({ name, shape }) => `${name} is [${files.shape(name)}], the model asks for [${shape}]`),
      ...files.names
        .filter((name) => !wanted.some((tensor) => tensor.name === name))
        .map((name) => `${name} fits no module`),
    ];
    if (problems.length > 0) {
      throw new SluiceError('adapter.weights', `${folder}: ${problems.slice(0, 6).join('; ')}`, {
        where: folder,
        hint: 'the adapter was made for another base model or other target modules',
      });
    }
    for (const parameter of parameters)
      states.setState(parameter.name, 'f32', parameter.shape, gather(parameter, files));
  } finally {
    files.close();
  }
}

/** Writes adapter_config.json and adapter_model.safetensors as PEFT does. */
export function savePeftFolder(
  adapter: LoraAdapter,
  states: StateStore,
  folder: string,
  baseModel: string,
): void {
  mkdirSync(folder, { recursive: true });
  writeSafetensors(
    join(folder, 'adapter_model.safetensors'),
    collectWeights([...adapter.parameters.values()], states),
  );
  const { rank, alpha, dropout, rankStabilized } = adapter.config;
  const config = {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: baseModel,
    inference_mode: true,
    r: rank,
    lora_alpha: alpha,
    lora_dropout: dropout,
    use_rslora: rankStabilized,
    use_dora: false,
    bias: 'none',
    fan_in_fan_out: [...adapter.sites.values()].some((site) => site.transposed),
    init_lora_weights: true,
    target_modules: moduleNames(adapter),
    modules_to_save: null,
  };
  writeTextAtomic(join(folder, configName), configText(config));
}

/** Last parts of the adapted paths; `all-linear` is written out, for a reader that counts other layers as linear. */
function moduleNames(adapter: LoraAdapter): string[] {
  const names = [...adapter.sites.keys()].map((path) => path.slice(path.lastIndexOf('.') + 1));
  return [...new Set(names)].sort();
}

function gather(parameter: ParameterSpec, files: WeightFiles): Float32Array {
  const parts = fileTensors(parameter).map(({ name }) => files.readF32(name));
  const whole = new Float32Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** PEFT writes an unused list as null or, for the parameters of a mixture of experts, as []. */
const isSet = (value: unknown) =>
  value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);

function unsupported(file: string, key: string): SluiceError {
  return new SluiceError('adapter.unsupported', `${file}: ${key} is set and not supported here`, {
    where: file,
  });
}
