import { SluiceError } from '../errors.js';

/** Learning-rate schedules by the names that Transformers uses. */
export type ScheduleName = 'constant' | 'constant_with_warmup' | 'linear' | 'cosine';

export interface ScheduleOptions {
  name: ScheduleName;
  /** Peak learning rate. */
  learningRate: number;
  warmupSteps: number;
  totalSteps: number;
  /** Floor as a share of the peak, for `linear` and `cosine`; 0 is what Transformers' plain schedules do. */
  minRatio?: number;
}

/**
 * Learning rate of optimizer step `step`, counted from 0. As in Transformers' `get_scheduler`, the first step of a
 * warm-up has rate 0 and a decay reaches its floor at `totalSteps`.
 */
export function learningRateAt(step: number, options: ScheduleOptions): number {
  const { name, learningRate, warmupSteps, totalSteps, minRatio = 0 } = options;
  if (name !== 'constant' && step < warmupSteps) return (learningRate * step) / Math.max(1, warmupSteps);
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
  switch (name) {
    case 'constant':
    case 'constant_with_warmup':
      return learningRate;
    case 'linear':
      return learningRate * (minRatio + (1 - minRatio) * (1 - progress));
    case 'cosine':
      return learningRate * (minRatio + (1 - minRatio) * 0.5 * (1 + Math.cos(Math.PI * progress)));
    default:
      throw new SluiceError('config.unknown_schedule', `unknown schedule ${JSON.stringify(name)}`, {
        hint: 'use constant, constant_with_warmup, linear or cosine',
      });
  }
}
