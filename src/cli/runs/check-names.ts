import { nearest } from '../../config/nearest.js';
import { SluiceError } from '../../errors.js';
import type { HistoryEntry } from '../../runner/history-entry.js';
import { type ListQuery, sortedByTheirOwn } from '../../runner/runs/list-runs.js';
import type { StageEntry } from '../../runner/stage.js';

/**
 * Throws SluiceError `usage.runs` for a stage or metric that no run has and, of stages, that is none: a list would be empty,
 * or in no order, for want of a letter.
 */
export function checkNames(
  { stages = [], conditions = [], sort }: ListQuery,
  known: readonly HistoryEntry[],
  entries: readonly StageEntry[],
): void {
  if (known.length === 0) return;
  const stageNames = new Set([...known.map(({ stage }) => stage), ...entries.map(({ name }) => name)]);
  const stage = stages.find((name) => !stageNames.has(name));
  if (stage !== undefined) throw unknown(`there is no stage ${stage}, nor a run of it`, stage, stageNames);

  const metrics = new Set(known.flatMap((run) => Object.keys(run.metrics)));
  const wanted = conditions.map((condition) => condition.metric);
  if (sort !== undefined && !sortedByTheirOwn.includes(sort)) wanted.push(sort);
  const metric = wanted.find((name) => !metrics.has(name));
  if (metric !== undefined) throw unknown(`no run has a metric ${metric}`, metric, metrics);
}

function unknown(message: string, word: string, names: ReadonlySet<string>): SluiceError {
  const close = nearest(word, names);
  const among =
    close.length > 0
      ? `did you mean ${close.join(' or ')}?`
      : `there are ${[...names].slice(0, 12).join(', ')}`;
  return new SluiceError('usage.runs', message, { hint: among });
}
