import { clock } from '../display/progress-text.js';
import type { Callback } from './callback.js';

/** Says after each job how long it took, and at the end of a run or multirun where the time went, slowest first. */
export function logTimes({ slowest = 5 }: { slowest?: number }): Callback {
  const jobs: { label: string; seconds: number }[] = [];
  const summary = (log: (text: string) => void) => {
    if (jobs.length < 2) return;
    const total = jobs.reduce((sum, { seconds }) => sum + seconds, 0);
    log(`${jobs.length} jobs took ${clock(total)}`);
    for (const { label, seconds } of jobs.toSorted((a, b) => b.seconds - a.seconds).slice(0, slowest))
      log(`${clock(seconds)}  ${((100 * seconds) / total).toFixed(0).padStart(3)} %  ${label}`);
  };
  return {
    on_job_end(_config, { label, job_return, log }) {
      const { status, duration_seconds: seconds } = job_return;
      jobs.push({ label, seconds });
      log(`${label} ${status} after ${clock(seconds)}`);
    },
    on_run_end: (_config, { log }) => summary(log),
    on_multirun_end: (_config, { log }) => summary(log),
  };
}
