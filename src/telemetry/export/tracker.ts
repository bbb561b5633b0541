import type { MetricsRow } from './metrics-file.js';
import type { RunEnd, RunInfo } from './run-info.js';

/** What a server knows a run by; JSON, kept in the run folder. Never holds a key. */
export type RemoteRun = Readonly<Record<string, string>>;

/** Some of a run's metrics. */
export interface MetricsPart {
  rows: readonly MetricsRow[];
  /** How many rows were sent before these. */
  sent: number;
  /** The last value of each metric up to the last of these rows, at its step. */
  last: MetricsRow;
}

/**
 * A tracking server. Every call may be made again after one that failed half way: nothing is doubled by that.
 * All throw ExportProblem.
 */
export interface Tracker {
  /** Without what tells who we are: for messages and the run folder. */
  readonly server: string;
  /** Finds the run, where an earlier attempt made it, or makes it. */
  begin(run: RunInfo): Promise<RemoteRun>;
  send(remote: RemoteRun, run: RunInfo, part: MetricsPart): Promise<void>;
  /** @param last see MetricsPart */
  end(remote: RemoteRun, run: RunInfo, end: RunEnd, last: MetricsRow | null): Promise<void>;
}

/** Why something could not be sent. */
export class ExportProblem extends Error {
  /** Whether trying again may help: the server is away or busy; otherwise it refuses, or nothing says who we are. */
  readonly isPassing: boolean;
  /** What the server asked us to wait. */
  readonly retryAfterSeconds: number | undefined;

  constructor(message: string, isPassing: boolean, retryAfterSeconds?: number) {
    super(message);
    this.name = 'ExportProblem';
    this.isPassing = isPassing;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
