import { type RunRecord, runError, writeRunRecord } from './run-record.js';

/**
 * Writes run.json of a run that is over. A run whose record cannot be written is none that another can build on; what
 * ended it before that is told first.
 */
export function keepRecord(folder: string, record: RunRecord): void {
  try {
    writeRunRecord(folder, record);
  } catch (error) {
    record.error ??= runError(error);
    if (record.status !== 'done') return;
    record.status = 'failed';
    record.exitCode = 1;
  }
}
