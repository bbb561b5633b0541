import { join } from 'node:path';
import { SluiceError } from '../../errors.js';
import { type ExportState, readExportState, sendRun } from '../../telemetry/export/send-run.js';
import { ExportProblem } from '../../telemetry/export/tracker.js';
import { trackers } from '../../telemetry/export/trackers.js';
import { endOf } from '../run-end.js';
import type { RunRecord } from '../run-record.js';
import type { FoundRun } from './find-run.js';
import { shownStatus } from './shown-status.js';

/** What was sent of a run to one server. */
export interface Exported {
  to: string;
  state: ExportState;
  /** How many rows of its metrics were sent now. */
  rows: number;
}

/**
 * Sends what the servers of a run's config do not have yet, or those that `to` names. Throws SluiceError `usage.export` for
 * a run that still runs or has none to send to, `export.failed` where a server does not take it.
 */
export async function exportRun(
  { folder, record }: FoundRun,
  to: readonly string[] | null,
): Promise<Exported[]> {
  if (shownStatus(record) === 'running') {
    throw new SluiceError('usage.export', `${record.id} still runs, and sends by itself`, {
      hint: 'wait for its end',
    });
  }
  const configured = configuredTrackers(record);
  const names = to ?? Object.keys(configured);
  if (names.length === 0) {
    throw new SluiceError('usage.export', `the config of ${record.id} names no server to send to`, {
      hint: `name one: to=${Object.keys(trackers).join(' or to=')}`,
    });
  }
  const exported: Exported[] = [];
  for (const name of names) exported.push(await exportTo(name, configured[name] ?? {}, folder, record));
  return exported;
}

async function exportTo(to: string, options: object, folder: string, record: RunRecord): Promise<Exported> {
  const before = readExportState(folder, to);
  try {
    const tracker = trackers[to]!(options);
    checkServer(to, tracker.server, before, folder);
    const state = await sendRun(folder, to, tracker, endOf(record));
    return { to, state, rows: state.rows - (before?.rows ?? 0) };
  } catch (error) {
    if (!(error instanceof ExportProblem)) throw error;
    throw new SluiceError('export.failed', `${to}: ${error.message}`, {
      where: folder,
      hint: 'what was sent is noted in its folder: the same command goes on from there',
    });
  }
}

// An address that came from the environment then may be another now, or the default one: a run is not to end up there.
function checkServer(to: string, server: string, before: ExportState | undefined, folder: string): void {
  if (before === undefined || before.server === server) return;
  throw new SluiceError('usage.export', `${to}: the run was sent to ${before.server}, not to ${server}`, {
    where: join(folder, 'export', `${to}.json`),
    hint: `set the address as it was then, or delete this file to send it to ${server}`,
  });
}

function configuredTrackers({ config }: RunRecord): Record<string, object> {
  const sinks =
    ((config?.telemetry ?? {}) as { sinks?: Record<string, { _target_?: string } | null> }).sinks ?? {};
  const found = Object.values(sinks).flatMap((sink) =>
    sink?._target_ !== undefined && Object.hasOwn(trackers, sink._target_)
      ? [[sink._target_, sink] as const]
      : [],
  );
  return Object.fromEntries(found);
}
