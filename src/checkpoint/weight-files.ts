import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SluiceError } from '../errors.js';
import { duplicateKey } from './duplicate-key.js';
import { SafetensorsFile, type StoredPart } from './safetensors-file.js';
import { sha256OfFile } from './training-state.js';

/** The weights of a model folder: one safetensors file, or several with an index. Close it when read. */
export class WeightFiles {
  readonly folder: string;
  readonly files: readonly SafetensorsFile[];
  readonly #fileOf = new Map<string, SafetensorsFile>();

  private constructor(folder: string, files: SafetensorsFile[]) {
    this.folder = folder;
    this.files = files;
    for (const file of files) for (const name of file.names) this.#claim(name, file);
  }

  /** Opens `model.safetensors` or the shards that `model.safetensors.index.json` names. */
  static open(folder: string, stem = 'model'): WeightFiles {
    const single = join(folder, `${stem}.safetensors`);
    const index = join(folder, `${stem}.safetensors.index.json`);
    if (existsSync(single)) return new WeightFiles(folder, [new SafetensorsFile(single)]);
    if (!existsSync(index)) {
      throw new SluiceError(
        'checkpoint.missing',
        `${folder} has neither ${stem}.safetensors nor an index of shards`,
        {
          where: folder,
          hint: 'a model folder holds config.json and model.safetensors, as Hugging Face writes them',
        },
      );
    }
    const weightMap = readWeightMap(index);
    const names = [...new Set(Object.values(weightMap))].sort();
    const weights = new WeightFiles(folder, openShards(folder, names, index));
    for (const [tensor, file] of Object.entries(weightMap)) {
      if (weights.#fileOf.get(tensor)?.path === join(folder, file)) continue;
      weights.close();
      throw indexError(index, `says ${tensor} is in ${file}, which does not have it`);
    }
    return weights;
  }

  /** sha256 that stands for the weights: of the one file, or of the hashes of all shards in order of their names. */
  get sha256(): string {
    const hashes = this.files.map(({ path }) => sha256OfFile(path));
    return hashes.length === 1 ? hashes[0]! : createHash('sha256').update(hashes.join('\n')).digest('hex');
  }

  get names(): string[] {
    return [...this.#fileOf.keys()];
  }

  has(name: string): boolean {
    return this.#fileOf.has(name);
  }

  shape(name: string): readonly number[] {
    return this.#file(name).entry(name).shape;
  }

  part(name: string): StoredPart {
    return this.#file(name).part(name);
  }

  readF32(name: string): Float32Array {
    return this.#file(name).readF32(name);
  }

  close(): void {
    for (const file of this.files) file.close();
  }

  #file(name: string): SafetensorsFile {
    const file = this.#fileOf.get(name);
    if (file) return file;
    throw new SluiceError('checkpoint.tensor', `${this.folder} has no tensor ${name}`, {
      where: this.folder,
    });
  }

  #claim(name: string, file: SafetensorsFile): void {
    const other = this.#fileOf.get(name);
    if (other) {
      this.close();
      throw new SluiceError('checkpoint.index', `tensor ${name} is in both ${other.path} and ${file.path}`);
    }
    this.#fileOf.set(name, file);
  }
}

/** All of them or none. */
function openShards(folder: string, names: readonly string[], index: string): SafetensorsFile[] {
  const files: SafetensorsFile[] = [];
  try {
    for (const name of names) {
      if (!existsSync(join(folder, name))) throw indexError(index, `names ${name}, which is not there`);
      files.push(new SafetensorsFile(join(folder, name)));
    }
    return files;
  } catch (error) {
    for (const file of files) file.close();
    throw error;
  }
}

function readWeightMap(index: string): Record<string, string> {
  const text = readFileSync(index, 'utf8');
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (cause) {
    throw indexError(index, 'is not JSON', cause);
  }
  const twice = duplicateKey(text);
  if (twice !== null) throw indexError(index, `has ${twice} twice`);
  const map = (raw as { weight_map?: unknown })?.weight_map;
  const isFileMap =
    typeof map === 'object' &&
    map !== null &&
    !Array.isArray(map) &&
    Object.keys(map).length > 0 &&
    Object.values(map).every((file) => typeof file === 'string' && /^[^/\\]+\.safetensors$/.test(file));
  if (isFileMap) return map as Record<string, string>;
  throw indexError(index, 'must have a weight_map from tensor names to files beside it');
}

function indexError(index: string, problem: string, cause?: unknown): SluiceError {
  return new SluiceError('checkpoint.index', `${index} ${problem}`, {
    where: index,
    hint: 'the folder is not complete, or its index is of another model; download or write it again',
    cause,
  });
}
