import type { RunRecord } from './run-record.js';

/** FLOP/s that a training run reached at its last logged step; undefined for a run that did not train. */
export function reachedRate({ metrics, facts }: RunRecord): number | undefined {
  const [mfu, peak] = [metrics?.['train/mfu'], facts.peak_flops];
  return typeof mfu === 'number' && typeof peak === 'number' && mfu > 0 ? mfu * peak : undefined;
}
