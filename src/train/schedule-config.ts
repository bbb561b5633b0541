import type { RampShape, ScheduleName, ScheduleOptions } from './schedule.js';

/** The keys of `training.schedule`; configs/schedule.schema.json says which schedule reads which. */
export interface ScheduleKeys {
  name: ScheduleName;
  warmup_ratio?: number;
  min_ratio?: number;
  num_cycles?: number;
  power?: number;
  /** Steps; null: those of the warm-up. */
  timescale?: number | null;
  decay_ratio?: number;
  warmup_type?: RampShape;
  decay_type?: RampShape;
}

/** The schedule of a run of so many steps; shares of it become steps. */
export function scheduleOf(keys: ScheduleKeys, learningRate: number, totalSteps: number): ScheduleOptions {
  const steps = (share: number | undefined) => Math.round((share ?? 0) * totalSteps);
  return {
    name: keys.name,
    learningRate,
    totalSteps,
    warmupSteps: steps(keys.warmup_ratio),
    decaySteps: steps(keys.decay_ratio),
    ...(keys.min_ratio !== undefined && { minRatio: keys.min_ratio }),
    ...(keys.num_cycles !== undefined && { cycles: keys.num_cycles }),
    ...(keys.power !== undefined && { power: keys.power }),
    ...(typeof keys.timescale === 'number' && { timescale: keys.timescale }),
    ...(keys.warmup_type !== undefined && { warmupShape: keys.warmup_type }),
    ...(keys.decay_type !== undefined && { decayShape: keys.decay_type }),
  };
}
