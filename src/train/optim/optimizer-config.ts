import { SluiceError } from '../../errors.js';
import { type ParameterSpec, type StorageKeys, storageOf, type WeightStorage } from '../../models/index.js';
import type { PeftMode } from '../trainable.js';
import { type AdamWOptions, adamW, type StatePrecision } from './adamw.js';
import { isHidden, type MuonOptions, muon } from './muon.js';
import type { Optimizer } from './optimizer.js';

/** The keys of `training.optimizer`; configs/optimizer.schema.json says which optimizer reads which. */
export type OptimizerKeys =
  | ({ name: 'adamw' } & AdamWOptions & StatePrecision)
  | ({ name: 'muon' } & MuonOptions);

/** The optimizer that a config asks for. Throws `config.optimizer` where it would have nothing of its own to update. */
export function optimizerOf(keys: OptimizerKeys, trainable: readonly ParameterSpec[]): Optimizer {
  if (keys.name === 'adamw') return adamW(keys, keys);
  if (trainable.some(isHidden)) return muon(keys);
  throw new SluiceError(
    'config.optimizer',
    'training.optimizer.name=muon is for the weights of projections, and none of them learns here',
    { hint: 'routers and adapters learn by AdamW: optimizer@training.optimizer=adamw' },
  );
}

/**
 * How a training session holds a model's weights: where all of them learn by `main_params_dtype`, else as `frozen` says.
 * Throws `config.main_params_dtype` where that has no use.
 */
export function trainingStorage(
  training: { dtype: 'fp32' | 'bf16'; optimizer: OptimizerKeys },
  mode: PeftMode,
  frozen: StorageKeys = { quantization: 'none' },
): WeightStorage {
  const { dtype, optimizer } = training;
  const learning = optimizer.name === 'adamw' ? optimizer.main_params_dtype : 'fp32';
  const refuse = (reason: string, hint: string): never => {
    throw new SluiceError('config.main_params_dtype', `training.optimizer.main_params_dtype=bf16 ${reason}`, {
      hint,
    });
  };
  if (learning === 'bf16' && mode !== 'full')
    refuse(`is for training.peft_mode=full, not ${mode}`, 'few weights learn: leave them in fp32');
  if (learning === 'bf16' && dtype !== 'bf16')
    refuse(`goes with training.dtype=bf16, not ${dtype}`, 'set both, or neither');
  return storageOf(learning === 'bf16' ? { dtype: learning, quantization: 'none' } : frozen);
}
