import { SluiceError } from '../../errors.js';
import type { ParameterSpec } from '../../models/index.js';
import { type AdamWOptions, adamW } from './adamw.js';
import { isHidden, type MuonOptions, muon } from './muon.js';
import type { Optimizer } from './optimizer.js';

/** The keys of `training.optimizer`; configs/optimizer.schema.json says which optimizer reads which. */
export type OptimizerKeys = ({ name: 'adamw' } & AdamWOptions) | ({ name: 'muon' } & MuonOptions);

/** The optimizer that a config asks for. Throws `config.optimizer` where it would have nothing of its own to update. */
export function optimizerOf(keys: OptimizerKeys, trainable: readonly ParameterSpec[]): Optimizer {
  if (keys.name === 'adamw') return adamW(keys);
  if (trainable.some(isHidden)) return muon(keys);
  throw new SluiceError(
    'config.optimizer',
    'training.optimizer.name=muon is for the weights of projections, and none of them learns here',
    { hint: 'routers and adapters learn by AdamW: optimizer@training.optimizer=adamw' },
  );
}
