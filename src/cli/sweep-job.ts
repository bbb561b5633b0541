import type { SweepJob } from '../config/index.js';
import type { EndStatus } from '../runner/display/display.js';
import { Interrupt } from '../runner/interrupt.js';
import { type FinishedRun, type RunnerHost, runStage } from '../runner/run-stage.js';
import type { StageEntry } from '../runner/stage.js';
import type { MedianPruning } from './median-pruning.js';
import type { Project } from './project.js';
import { readyStages } from './ready-stage.js';
import { commandText } from './shell-quote.js';

/** What is swept: a stage, or a pipeline. */
export interface SweepSubject {
  /** As in SweepManifest. */
  name: string;
  /** Checks the jobs of a batch. Throws one SluiceError with all that is wrong with any of them. */
  ready(jobs: readonly SweepJob[]): Promise<ReadyJob[]>;
}

export interface ReadyJob {
  /** Resolved, as for a run outside the sweep. */
  config: Record<string, unknown>;
  start(where: { wantedFolder: string; label: string }, host: RunnerHost): Promise<FinishedRun>;
}

export function sweptStage(stage: StageEntry, project: Project): SweepSubject {
  return {
    name: stage.name,
    async ready(jobs) {
      const configs = jobs.map(({ composed }) => composed);
      const ready = await readyStages(stage, configs, project);
      return ready.map((run, index) => ({
        config: run.config,
        start(where, host) {
          const command = commandText([stage.name, ...configs[index]!.overrides.task]);
          return runStage({ ...run, ...where, command }, host);
        },
      }));
    },
  };
}

/**
 * Runs a job and interrupts it when `pruning` shows that it is not worth its end.
 *
 * @param started is told the job's folder, relative to the project's, once it is there
 */
export async function runJob(
  label: string,
  start: (host: RunnerHost) => Promise<FinishedRun>,
  host: RunnerHost,
  pruning: MedianPruning | undefined,
  started: (folder: string) => void,
): Promise<{ finished: FinishedRun; status: EndStatus }> {
  const shouldEnd = pruning?.follow();
  const interrupt = new Interrupt();
  const stopListening = host.interrupt.on((request) => {
    if (request === 'checkpoint') interrupt.requestCheckpoint();
    // Of a job that is being pruned anyway the first Ctrl-C is not the second request, which would kill it.
    else if (request === 'kill' || !interrupt.requested) interrupt.request();
  });
  let pruned = false;
  const display: RunnerHost['display'] = {
    ...host.display,
    started(step, folder) {
      started(folder);
      host.display.started(step, folder);
    },
    event(step, event) {
      host.display.event(step, event);
      if (pruned || interrupt.requested || !shouldEnd?.(event)) return;
      pruned = true;
      host.display.note(`${label}: worse than the median of the others at this step`);
      interrupt.request();
    },
    ended() {}, // told with what the job reached
  };
  const finished = await start({ ...host, display, interrupt }).finally(stopListening);
  const status = finished.record.status as EndStatus;
  const isPruned = pruned && status === 'interrupted' && !host.interrupt.requested;
  return { finished, status: isPruned ? 'pruned' : status };
}
