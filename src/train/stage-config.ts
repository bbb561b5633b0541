import type { InstructionsConfig } from '../data/index.js';
import { SluiceError } from '../errors.js';
import { LoraAdapter, type Model } from '../models/index.js';

/** The keys of `dataset` in stages that read instruction rows. */
export interface RowsConfig {
  data_path: string;
  /** Columns; null: there is none. */
  mapping: Record<'dataset' | 'id' | 'messages' | 'prompt' | 'input' | 'response', string | null>;
  dataset_names: string[] | null;
  subset_ratio: number;
  shuffle: boolean;
  seed: number;
  max_sequence_length: number;
}

/** The keys of `training.lora`. */
export interface LoraKeys {
  r: number;
  lora_alpha: number;
  lora_dropout: number;
  target_modules: string[];
}

export const rowsOf = (keys: Omit<RowsConfig, 'data_path'>, dataPath: string): InstructionsConfig => ({
  dataPath,
  mapping: Object.fromEntries(Object.entries(keys.mapping).filter(([, column]) => column !== null)),
  datasetNames: keys.dataset_names ?? [],
  subsetRatio: keys.subset_ratio,
  shuffle: keys.shuffle,
  seed: keys.seed,
  maxSequenceLength: keys.max_sequence_length,
});

/** A fresh adapter for training, traced once so that its parameters are known. Throws `config.lora_targets`. */
export function loraFor(model: Model, keys: LoraKeys): LoraAdapter {
  const adapter = new LoraAdapter(
    {
      rank: keys.r,
      alpha: keys.lora_alpha,
      dropout: keys.lora_dropout,
      targetModules: keys.target_modules,
      rankStabilized: false,
    },
    { training: true },
  );
  model.parameters({ adapter }); // tracing meets every adapted layer
  if (adapter.parameters.size > 0) return adapter;
  throw new SluiceError(
    'config.lora_targets',
    `training.lora.target_modules=[${keys.target_modules}] names no linear layer of this ${model.modelType} model`,
    { hint: `its linear layers end in ${linearNames(model).join(', ')}` },
  );
}

function linearNames(model: Model): string[] {
  const names = model.parameters().flatMap(({ name }) => /([^.]+)\.weight$/.exec(name)?.[1] ?? []);
  return [...new Set(names)].filter((name) => /proj|gate|fc|attn|^w[123]$|^[qkvo]$/.test(name));
}
