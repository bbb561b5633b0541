import type { QuantizedFormat } from '../graph/index.js';
import type { ParameterSpec } from './parameter.js';

/** How the session holds the weights of a model. Quantised ones do not learn. */
export interface WeightStorage {
  /** Of projections, embeddings and head; everything else is f32. Arithmetic is in f32 either way. */
  readonly dtype: 'f32' | 'bf16';
  /** Of projections, whatever dtype says; null: not quantised. */
  readonly quantization: QuantizedFormat | null;
}

export const plainStorage: WeightStorage = { dtype: 'f32', quantization: null };

/** The settings `dtype` and `quantization` of a stage's config. */
export interface StorageKeys {
  readonly dtype?: 'fp32' | 'bf16';
  readonly quantization: 'none' | QuantizedFormat;
}

export const storageOf = ({ dtype = 'fp32', quantization }: StorageKeys): WeightStorage => ({
  dtype: dtype === 'bf16' ? 'bf16' : 'f32',
  quantization: quantization === 'none' ? null : quantization,
});

export const storedDtype = ({ dtype }: WeightStorage, { narrowable }: ParameterSpec): 'f32' | 'bf16' =>
  narrowable ? dtype : 'f32';
