import { SluiceError } from '../errors.js';

/** Learning-rate schedules by the names that Transformers uses. */
export type ScheduleName =
  | 'constant'
  | 'constant_with_warmup'
  | 'linear'
  | 'cosine'
  | 'cosine_with_min_lr'
  | 'cosine_with_restarts'
  | 'polynomial'
  | 'inverse_sqrt'
  | 'warmup_stable_decay';

export type RampShape = 'linear' | 'cosine' | '1-sqrt';

export interface ScheduleOptions {
  name: ScheduleName;
  /** Peak learning rate. */
  learningRate: number;
  warmupSteps: number;
  totalSteps: number;
  /** Floor as a share of the peak; 0 is what Transformers' plain schedules do. */
  minRatio?: number;
  /** Waves of a cosine until the end: 1 for `cosine_with_restarts` unless given, 0.5 for the others. */
  cycles?: number;
  /** Exponent of `polynomial`. */
  power?: number;
  /** Steps after which `inverse_sqrt` is down to 1/√2; the warm-up unless given. */
  timescale?: number;
  /** `warmup_stable_decay`: length of the decay at the end and the shapes of both ramps. */
  decaySteps?: number;
  warmupShape?: RampShape;
  decayShape?: RampShape;
}

/** Share of the peak after the warm-up; `progress` is 0 at its end and 1 at `totalSteps`. */
type Decay = (progress: number, step: number, options: ScheduleOptions) => number;

// past the end a cosine rises again, as the reference's does; no run goes there
const cosine: Decay = (progress, _, { minRatio = 0, cycles = 0.5 }) =>
  Math.max(0, aboveFloor(0.5 * (1 + Math.cos(Math.PI * cycles * 2 * progress)), minRatio));

const decays: Record<ScheduleName, Decay> = {
  constant: () => 1,
  constant_with_warmup: () => 1,
  linear: (progress, _, { minRatio = 0 }) => aboveFloor(Math.max(0, 1 - progress), minRatio),
  cosine,
  cosine_with_min_lr: cosine,
  cosine_with_restarts: (progress, _, { minRatio = 0, cycles = 1 }) =>
    progress >= 1
      ? minRatio
      : aboveFloor(0.5 * (1 + Math.cos(Math.PI * ((cycles * progress) % 1))), minRatio),
  polynomial: (progress, _, { minRatio = 0, power = 1 }) =>
    aboveFloor(Math.max(0, 1 - progress) ** power, minRatio),
  inverse_sqrt: (_, step, { warmupSteps, timescale = warmupSteps || 10_000 }) =>
    1 / Math.sqrt((step + timescale - warmupSteps) / timescale),
  warmup_stable_decay(_, step, { totalSteps, minRatio = 0, decaySteps = 0, decayShape = 'linear', cycles }) {
    const start = totalSteps - decaySteps;
    if (step < start) return 1;
    if (step >= totalSteps) return minRatio;
    const progress = (step - start) / Math.max(1, decaySteps);
    return Math.max(0, aboveFloor(fall(decayShape, progress, cycles), minRatio));
  },
};

/**
 * Learning rate of optimizer step `step`, counted from 0. As in Transformers' `get_scheduler`, the first step of a
 * warm-up has rate 0 and a decay reaches its floor at `totalSteps`. Throws `config.unknown_schedule`.
 */
export function learningRateAt(step: number, options: ScheduleOptions): number {
  const { name, learningRate, warmupSteps, totalSteps } = options;
  if (!Object.hasOwn(decays, name)) {
    throw new SluiceError('config.unknown_schedule', `unknown schedule ${JSON.stringify(name)}`, {
      hint: `use one of ${Object.keys(decays).join(', ')}`,
    });
  }
  if (name !== 'constant' && step < warmupSteps)
    return learningRate * warmUp(step / Math.max(1, warmupSteps), options);
  const progress = (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
  return learningRate * decays[name](progress, step, options);
}

function warmUp(progress: number, { name, minRatio = 0, warmupShape = 'linear' }: ScheduleOptions): number {
  if (name !== 'warmup_stable_decay') return progress;
  return Math.max(0, aboveFloor(rise(warmupShape, progress), minRatio));
}

const aboveFloor = (share: number, floor: number): number => share * (1 - floor) + floor;

function rise(shape: RampShape, progress: number): number {
  if (shape === 'cosine') return 0.5 * (1 - Math.cos(Math.PI * progress));
  return shape === 'linear' ? progress : 1 - Math.sqrt(1 - progress);
}

function fall(shape: RampShape, progress: number, cycles = 0.5): number {
  if (shape === 'cosine') return 0.5 * (1 + Math.cos(Math.PI * cycles * 2 * progress));
  return shape === 'linear' ? 1 - progress : 1 - Math.sqrt(progress);
}
