import { join } from 'node:path';
import { listSteps } from '../checkpoint/training-state.js';
import type { JobEnd } from './launchers/launcher.js';
import type { JobLog } from './logging/job-log.js';
import type { RunError } from './run-record.js';

/** What is said of a stage whose process ended without a result: how, its last lines, and where the run can go on. */
export function stageCrash(stage: string, end: JobEnd, log: JobLog, folder: string): RunError {
  const how = end.signal === null ? `exit code ${end.exitCode}` : end.signal;
  const tail = log.tail === '' ? 'It printed nothing.' : `Its last lines:\n${log.tail}`;
  const reason =
    end.signal === 'SIGKILL'
      ? 'someone killed it, most likely the system for want of memory: --plan shows the bytes, a smaller batch needs less'
      : log.path !== undefined && `the whole log is ${log.path}`;
  const isResumable = listSteps(join(folder, 'checkpoints')).length > 0;
  const hint = [reason, isResumable && `resume=${folder} goes on from the last checkpoint`]
    .filter(Boolean)
    .join('; ');
  return {
    code: 'stage.crashed',
    message: `${stage}: its process ended by ${how} without a result. ${tail}`,
    ...(hint && { hint }),
  };
}
