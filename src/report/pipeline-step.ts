import type { RunFolder } from './run-folder.js';
import type { ErrorRecord, StepRecord } from './run-record.js';

/** A step of a pipeline as the page shows it, with its own run folder where it has one that can be read. */
export interface PipelineStep {
  record: StepRecord;
  run: RunFolder | null;
  /** `reused`: an earlier run was taken; `skipped`: it could not run. Else as recorded, or what its own run says by now. */
  status: string;
  /** Of its own work in this pipeline; null for none, and of a reused run. */
  startedAt: number | null;
  /** null while running. */
  endedAt: number | null;
  /** Of a reused run: what it took when it ran. */
  tookThen: number | null;
  error: ErrorRecord | null;
}

export function pipelineStep(record: StepRecord, run: RunFolder | null): PipelineStep {
  const reused = record.status === 'skipped' && Boolean(record.folder);
  const own = reused ? null : (run?.record ?? null);
  // A pipeline that was killed says `running` for ever.
  const status = reused ? 'reused' : record.status === 'running' ? (own?.status ?? 'running') : record.status;
  return {
    record,
    run,
    status,
    startedAt: milliseconds(own?.startedAt),
    endedAt: milliseconds(own?.endedAt),
    tookThen: (reused && run?.record.durationSeconds) || null,
    error: record.error ?? own?.error ?? null,
  };
}

function milliseconds(iso: string | null | undefined): number | null {
  const time = Date.parse(iso ?? '');
  return Number.isNaN(time) ? null : time;
}
