import type { RampShape, ScheduleName, ScheduleOptions } from './schedule.js';

/** The keys of `training.schedule`; configs/schedule.schema.json says which schedule reads which. */
export interface ScheduleKeys {
  name: ScheduleName;
  warmup_ratio?: number;
  /** Steps; null: as the share says. The same with decay_steps. */
  warmup_steps?: number | null;
  min_ratio?: number;
  num_cycles?: number;
  power?: number;
  /** Steps; null: those of the warm-up. */
  timescale?: number | null;
  decay_ratio?: number;
  decay_steps?: number | null;
  warmup_type?: RampShape;
  decay_type?: RampShape;
}

/** The schedule of a run of so many steps; shares of it become steps. */
export function scheduleOf(keys: ScheduleKeys, learningRate: number, totalSteps: number): ScheduleOptions {
  const steps = (given: number | null | undefined, share: number | undefined) =>
    given ?? Math.round((share ?? 0) * totalSteps);
  return {
    name: keys.name,
    learningRate,
    totalSteps,
    warmupSteps: steps(keys.warmup_steps, keys.warmup_ratio),
    decaySteps: steps(keys.decay_steps, keys.decay_ratio),
    ...(keys.min_ratio !== undefined && { minRatio: keys.min_ratio }),
    ...(keys.num_cycles !== undefined && { cycles: keys.num_cycles }),
    ...(keys.power !== undefined && { power: keys.power }),
    ...(typeof keys.timescale === 'number' && { timescale: keys.timescale }),
    ...(keys.warmup_type !== undefined && { warmupShape: keys.warmup_type }),
    ...(keys.decay_type !== undefined && { decayShape: keys.decay_type }),
  };
}
