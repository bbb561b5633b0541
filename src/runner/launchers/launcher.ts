import type { FromStage, Job } from '../job.js';
import type { SweepPolicy } from './sweep-policy.js';

/** Runs one job in a process of its own, here or elsewhere. A value handed to the runner, one per kind of place. */
export interface Launcher {
  name: string;
  launch(job: Job, listener: JobListener): RunningJob;
  /** How the jobs of a sweep are run; absent: `oneByOne`. */
  sweeps?: SweepPolicy;
}

export interface JobListener {
  /** In the order sent; none after `ended` resolved. */
  message(message: FromStage): void;
  /** A line that the process printed by itself: a library's warning, a crash report. */
  line(text: string): void;
}

export interface RunningJob {
  /** Resolves, never rejects, when the process is gone and all it said was delivered. */
  ended: Promise<JobEnd>;
  /** Asks the stage to write a checkpoint and end. */
  abort(): void;
  /** Asks the stage to write a checkpoint and go on. */
  checkpoint(): void;
  /** Ends it at once. */
  kill(): void;
}

export interface JobEnd {
  exitCode: number | null;
  /** `SIGSEGV` and the like where the process did not end by itself. */
  signal: string | null;
  /** Why the process could not be started at all. */
  startError?: unknown;
}
