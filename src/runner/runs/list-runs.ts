import type { History } from '../history.js';
import type { HistoryEntry } from '../history-entry.js';
import type { MetricCondition } from './metric-condition.js';
import { type ShownStatus, statusOf } from './shown-status.js';

/** What is wanted of the list; all of it may be left away. */
export interface ListQuery {
  stages?: readonly string[];
  statuses?: readonly ShownStatus[];
  /** Started at or after, started before; Unix milliseconds. */
  since?: number;
  until?: number;
  conditions?: readonly MetricCondition[];
  /** `started`, `duration`, `size`, or a metric: the last row is the latest, longest, largest, highest. */
  sort?: string;
}

/** What a list can be sorted by besides metrics. */
export const sortedByTheirOwn: readonly string[] = ['started', 'duration', 'size'];

/** A run of the index as a list shows it. */
export interface ListedRun extends HistoryEntry {
  shownStatus: ShownStatus;
  /** Of a pipeline, of a job of a sweep, of a step of a pipeline: the id of what it belongs to. */
  part: 'pipeline' | 'job' | 'step' | null;
  partOf: string | null;
}

/** Those of the runs of an index that a query asks for. A run without the metric it sorts by comes first. */
export function listRuns(known: readonly HistoryEntry[], history: History, query: ListQuery): ListedRun[] {
  const pipelines = new Map(
    known.flatMap(({ id, steps = [] }) => steps.map(({ folder }) => [folder, id] as const)),
  );
  const { stages, statuses, since = -Infinity, until = Infinity, conditions = [] } = query;
  const found: ListedRun[] = [];
  for (const entry of known) {
    const started = Date.parse(entry.startedAt);
    if (started < since || started >= until) continue;
    if (stages !== undefined && !stages.includes(entry.stage)) continue;
    if (!conditions.every((condition) => condition.holds(entry.metrics))) continue;
    const shown = statusOf(entry, history);
    if (statuses !== undefined && !statuses.includes(shown)) continue;
    found.push({ ...entry, shownStatus: shown, ...partOf(entry, pipelines) });
  }
  return query.sort === undefined ? found : sortedBy(query.sort, found);
}

function partOf(
  entry: HistoryEntry,
  pipelines: ReadonlyMap<string | null, string>,
): Pick<ListedRun, 'part' | 'partOf'> {
  const pipeline = pipelines.get(entry.folder);
  if (pipeline !== undefined) return { part: 'step', partOf: pipeline };
  if (entry.sweep !== undefined) return { part: 'job', partOf: entry.sweep };
  return { part: entry.steps === undefined ? null : 'pipeline', partOf: null };
}

function sortedBy(key: string, runs: ListedRun[]): ListedRun[] {
  const value = ({ startedAt, durationSeconds, bytes, metrics }: ListedRun): number => {
    if (key === 'started') return Date.parse(startedAt);
    if (key === 'duration') return durationSeconds ?? -Infinity;
    if (key === 'size') return bytes ?? -Infinity;
    const metric = Number(metrics[key]); // also the names of what is not finite
    return Number.isNaN(metric) ? -Infinity : metric;
  };
  return runs
    .map((run) => ({ run, by: value(run) }))
    .sort((a, b) => (a.by < b.by ? -1 : a.by > b.by ? 1 : 0))
    .map(({ run }) => run);
}
