/** `run.json` as the report reads it. Runs that died early lack most of it, so nearly every field may be absent. */
export interface RunRecord {
  id?: string;
  stage: string;
  status: string;
  exitCode?: number | null;
  startedAt?: string;
  endedAt?: string | null;
  durationSeconds?: number | null;
  command?: string | string[];
  seed?: number | null;
  /** Of the process that watches the run, and the host it is on. */
  pid?: number;
  processStart?: string | null;
  host?: string;
  versions?: Record<string, unknown>;
  /** Resolved, as the stage was given it. */
  config?: Record<string, unknown>;
  facts?: Record<string, unknown>;
  inputs?: FileRecord[];
  outputs?: FileRecord[];
  tables?: TableRecord[];
  error?: ErrorRecord | null;
  /** Only in a pipeline's record. */
  steps?: StepRecord[];
}

/** A file or folder that a run read or made. */
export interface FileRecord {
  name: string;
  path: string;
  sha256?: string | null;
  bytes?: number | null;
}

export interface TableRecord {
  title: string;
  columns: string[];
  rows: (string | number)[][];
}

export interface ErrorRecord {
  code?: string;
  message: string;
  where?: string | null;
  hint?: string | null;
}

/** One step of a pipeline: where it ran, and which outputs of which steps it was given. */
export interface StepRecord {
  name: string;
  stage: string;
  status: string;
  folder?: string | null;
  durationSeconds?: number | null;
  /** Why it was skipped. */
  reason?: string;
  /** Of one that failed or was interrupted. */
  error?: ErrorRecord | null;
  needs?: string[];
  uses?: { step: string; output: string }[];
}
