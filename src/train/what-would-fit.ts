import { compileRun, programsOf, rowsPerPass, type TrainingConfig, type TrainingRun } from './compile-run.js';
import type { Fitting } from './memory.js';
import { planRecord } from './plan-record.js';

/** Rows shorter than this are no use to anyone. */
const leastLength = 16;

/** Settings under which a run that needs too much would fit, each by itself the smallest change of its kind. */
export function whatWouldFit(run: TrainingRun, budget: number): Fitting[] {
  const { training, data } = run;
  const fitting = (setting: string, changes: Partial<TrainingConfig>, length = data.length): Fitting[] => {
    const changed = {
      ...run,
      data: { ...data, length, lengths: data.lengths.map((own) => Math.min(own, length)) },
      training: { ...training, ...changes },
    };
    const plannedBytes = planRecord(programsOf(compileRun(changed, budget)), null).planned_bytes;
    return plannedBytes <= budget ? [{ setting, plannedBytes }] : [];
  };
  const firstOf = (candidates: readonly (() => Fitting[])[]): Fitting[] => {
    for (const candidate of candidates) {
      const found = candidate();
      if (found.length > 0) return found;
    }
    return [];
  };
  const { batch_size, recompute, dtype, optimizer } = training;
  const pass = rowsPerPass(run);
  const smaller = Array.from({ length: pass - 1 }, (_, i) => pass - 1 - i);
  const shorter = [2, 4, 8, 16].map((part) => Math.floor(data.length / part));
  return [
    ...(recompute === 'none' ? fitting('training.recompute=auto', { recompute: 'auto' }) : []),
    ...(dtype === 'fp32' ? fitting('training.dtype=bf16', { dtype: 'bf16' }) : []),
    ...(optimizer.name === 'adamw' && optimizer.state_dtype === 'fp32'
      ? fitting('training.optimizer.state_dtype=bf16', { optimizer: { ...optimizer, state_dtype: 'bf16' } })
      : []),
    ...firstOf(
      smaller
        .filter((rows) => batch_size % rows === 0)
        .map(
          (rows) => () => fitting(`training.per_device_batch_size=${rows}`, { per_device_batch_size: rows }),
        ),
    ),
    ...firstOf(
      shorter
        .filter((length) => length >= leastLength)
        .map((length) => () => fitting(`rows of ${length} tokens`, {}, length)),
    ),
  ];
}
