import { SluiceError } from '../errors.js';
import { ConfigReader, type RawModelConfig, readModelConfig } from './config-reader.js';
import { type Family, Model } from './model.js';

/** model_type of config.json -> the family's code, loaded when first asked for. */
const families: Readonly<Record<string, () => Promise<{ family: Family }>>> = {
  deepseek_v2: () => import('./deepseek/model.js'),
  deepseek_v3: () => import('./deepseek/model.js'),
  gemma2: () => import('./gemma2/model.js'),
  gpt2: () => import('./gpt2/model.js'),
  llama: () => import('./llama/model.js'),
  mistral: () => import('./mistral/model.js'),
  mixtral: () => import('./mixtral/model.js'),
  olmoe: () => import('./olmoe/model.js'),
  phi3: () => import('./phi3/model.js'),
  qwen2: () => import('./qwen2/model.js'),
  qwen2_moe: () => import('./qwen2_moe/model.js'),
  qwen3: () => import('./qwen3/model.js'),
  qwen3_moe: () => import('./qwen3_moe/model.js'),
  select_moe: () => import('./select_moe/model.js'),
  t5: () => import('./t5/model.js'),
};

export const modelTypes: readonly string[] = Object.keys(families);

/** The model that a folder's config.json describes. Throws `model.missing`, `model.config` or `model.unknown`. */
export async function loadModel(folder: string): Promise<Model> {
  return build(readModelConfig(folder));
}

/** The model of a config given as an object; `origin` stands for the file in messages. */
export async function buildModel(config: RawModelConfig, origin = 'model config'): Promise<Model> {
  return build(new ConfigReader(config, origin));
}

async function build(reader: ConfigReader): Promise<Model> {
  const modelType = reader.string('model_type');
  const load = families[modelType];
  if (!load) {
    throw new SluiceError('model.unknown', `${reader.file}: model_type ${modelType} is not supported`, {
      where: reader.file,
      hint: `supported: ${modelTypes.join(', ')}`,
    });
  }
  const { family } = await load();
  return new Model(modelType, reader.raw, family.build(reader));
}
