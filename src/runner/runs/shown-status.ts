import { hostname } from 'node:os';
import type { History } from '../history.js';
import type { HistoryEntry } from '../history-entry.js';
import { isAlive } from '../process-identity.js';
import { type RunRecord, type RunStatus, readRunRecord } from '../run-record.js';

/** `lost`: it says `running`, but the process that watched it is gone; nothing will end its record. */
export type ShownStatus = RunStatus | 'lost';

/** The status as it is now. Of a run on another host that says `running`, nobody here can tell more. */
export function shownStatus({
  status,
  pid,
  processStart,
  host,
}: Pick<RunRecord, 'status' | 'pid' | 'processStart' | 'host'>): ShownStatus {
  if (status !== 'running' || host !== hostname()) return status;
  return isAlive(pid, processStart) ? 'running' : 'lost';
}

/**
 * The same of a run in the index. One that the index has as running is looked up in its folder: its process may have been
 * killed between writing the one and the other.
 */
export function statusOf(entry: HistoryEntry, history: History): ShownStatus {
  if (entry.status !== 'running') return entry.status;
  try {
    return shownStatus(readRunRecord(history.folderOf(entry)));
  } catch {
    return 'lost';
  }
}
