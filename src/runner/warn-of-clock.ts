import type { History } from './history.js';
import type { RunRecord } from './run-record.js';
import type { RunnerHost } from './run-stage.js';

/** Clocks of hosts that share their outputs differ by less. */
const mostSeconds = 60;

const told = new WeakSet<RunnerHost>();

/**
 * What `latest` and `${run:…}` mean goes by when runs began. After the clock went back that is not the order in which they
 * were made, so a run that began "later" than this new one is told, once for a command.
 */
export function warnOfClock(history: History, record: RunRecord, host: RunnerHost): void {
  const newest = history.newestStart();
  if (newest === undefined || told.has(host)) return;
  if (Date.parse(newest) - Date.parse(record.startedAt) <= 1000 * mostSeconds) return;
  told.add(host);
  host.display.note(
    `warning: a run is known that began at ${newest}, which is still to come: the clock went back; until then the latest run is that one`,
    'warning',
  );
}
