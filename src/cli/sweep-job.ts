import type { Objective, SweepJob } from '../config/index.js';
import type { EndStatus } from '../runner/display/display.js';
import { Interrupt } from '../runner/interrupt.js';
import { type FinishedRun, type RunnerHost, runStage } from '../runner/run-stage.js';
import type { StageEntry } from '../runner/stage.js';
import type { SweepJobEntry } from '../runner/sweep-manifest.js';
import type { MedianPruning } from './median-pruning.js';
import type { Project } from './project.js';
import { readyStages } from './ready-stage.js';
import { commandText } from './shell-quote.js';

/** What is swept: a stage, or a pipeline. */
export interface SweepSubject {
  /** As in SweepManifest. */
  name: string;
  /**
   * Checks the jobs of a batch. Throws one SluiceError with all that is wrong with any of them.
   *
   * @param objective what they will be judged by
   */
  ready(jobs: readonly SweepJob[], objective: Objective | undefined): Promise<ReadyJob[]>;
}

export interface ReadyJob {
  /** Resolved, as for a run outside the sweep; of a pipeline with those of its steps. */
  config: Record<string, unknown>;
  start(where: JobPlace, host: RunnerHost, started: StartedJob): Promise<FinishedRun>;
}

export interface JobPlace {
  /** Absolute. */
  wantedFolder: string;
  /** See QueuedJob. */
  label: string;
}

/** Is told the folder of a job, absolute, once it is there. */
export type StartedJob = (folder: string) => void;

/** A job as it waits: what the manifest says of it, and how it is started. */
export interface QueuedJob extends Pick<SweepJobEntry, 'num' | 'overrides' | 'configSha256' | 'threads'> {
  /** Its name in the display: `#2 seed=3`. */
  label: string;
  /** Whether an attempt at it can go on from the checkpoint of an earlier one. */
  canResume: boolean;
  /** @param sweepFolder absolute. @param from the folder of the attempt to go on from, absolute */
  start(sweepFolder: string, host: RunnerHost, started: StartedJob, from?: string): Promise<FinishedRun>;
}

export function sweptStage(stage: StageEntry, project: Project): SweepSubject {
  return {
    name: stage.name,
    async ready(jobs) {
      const configs = jobs.map(({ composed }) => composed);
      const ready = await readyStages(stage, configs, project);
      return ready.map((run, index) => ({
        config: run.config,
        start(where, host, started) {
          const command = commandText([stage.name, ...configs[index]!.overrides.task]);
          return runStage({ ...run, ...where, command }, host, started);
        },
      }));
    },
  };
}

/** Runs a job and interrupts it when `pruning` shows that it is not worth its end. */
export async function runJob(
  { label, start }: QueuedJob,
  sweepFolder: string,
  host: RunnerHost,
  { pruning, started, from }: { pruning?: MedianPruning; started: StartedJob; from?: string },
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
    event(step, event) {
      host.display.event(step, event);
      if (pruned || interrupt.requested || !shouldEnd?.(event)) return;
      pruned = true;
      host.display.note(`${label}: worse than the median of the others at this step`);
      interrupt.request();
    },
    ended() {}, // told with what the job reached
  };
  const own = { ...host, display, interrupt };
  const finished = await start(sweepFolder, own, started, from).finally(stopListening);
  const status = finished.record.status as EndStatus;
  const isPruned = pruned && status === 'interrupted' && !host.interrupt.requested;
  return { finished, status: isPruned ? 'pruned' : status };
}
