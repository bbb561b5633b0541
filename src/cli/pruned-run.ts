import { Interrupt } from '../runner/interrupt.js';
import { type FinishedRun, type RunnerHost, runStage, type StageRun } from '../runner/run-stage.js';
import type { MedianPruning } from './median-pruning.js';

/** Runs a job of a sweep, and interrupts it when the others show that it is not worth its end. */
export async function runPruned(
  run: StageRun,
  host: RunnerHost,
  pruning: MedianPruning,
): Promise<{ finished: FinishedRun; pruned: boolean }> {
  const shouldEnd = pruning.follow();
  const interrupt = new Interrupt();
  const stopListening = host.interrupt.on(() => interrupt.request());
  let pruned = false;
  const display: RunnerHost['display'] = {
    ...host.display,
    event(step, event) {
      host.display.event(step, event);
      if (pruned || interrupt.requested || !shouldEnd(event)) return;
      pruned = true;
      host.display.note(`${run.label}: worse than the median of the jobs before it`);
      interrupt.request();
    },
    ended(step, status, seconds) {
      host.display.ended(step, pruned && status === 'interrupted' ? 'pruned' : status, seconds);
    },
  };
  try {
    const finished = await runStage(run, { ...host, display, interrupt });
    return {
      finished,
      pruned: pruned && finished.record.status === 'interrupted' && !host.interrupt.requested,
    };
  } finally {
    stopListening();
  }
}
