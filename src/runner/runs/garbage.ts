import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listSteps } from '../../checkpoint/training-state.js';
import { folderBytes } from '../folder-bytes.js';
import type { History } from '../history.js';
import type { HistoryEntry } from '../history-entry.js';
import { type RunRecord, readRunRecord } from '../run-record.js';
import { pathAndAbove, referencesOf } from './references.js';
import { type ShownStatus, statusOf } from './shown-status.js';

export const garbageKinds = ['failed', 'unused', 'checkpoints'] as const;

/**
 * `failed`: a run that failed, was interrupted or lost. `unused`: a good one that nothing kept refers to.
 * `checkpoints`: those of a good run that a later one replaced.
 */
export type GarbageKind = (typeof garbageKinds)[number];

/** Something that could go. */
export interface Garbage {
  kind: GarbageKind;
  id: string;
  stage: string;
  status: ShownStatus;
  /** Absolute; of a checkpoint, its own. */
  folder: string;
  bytes: number;
  /** The run's own folder, in the form of the index; null for a checkpoint, whose run stays. */
  entry: string | null;
}

export interface GarbageQuery {
  kinds: readonly GarbageKind[];
  /** Runs that started since then stay; Unix milliseconds. */
  keepSince: number;
}

/** A run and all that deciding on it takes. */
interface Candidate {
  entry: HistoryEntry;
  folder: string;
  record: RunRecord;
  status: ShownStatus;
  references: string[];
}

/**
 * What of a project's runs could be deleted. Kept are: runs that run, or started since `keepSince`; of each stage, alone or
 * as a sweep's job, the latest good one, and a later one that has a checkpoint to go on from; and whatever a kept run
 * refers to, directly or through others. Of a sweep all good jobs stay where one does.
 */
export function findGarbage(history: History, root: string, { kinds, keepSince }: GarbageQuery): Garbage[] {
  const candidates = history.list().flatMap((entry) => candidate(entry, history, root));
  const kept = keptRuns(candidates, keepSince, kinds);
  const wanted = new Set([...kept].flatMap(({ references }) => references.flatMap(pathAndAbove)));
  // A run folder may hold another's, where hydra.run.dir says so.
  const above = new Set([...kept].flatMap(({ folder }) => pathAndAbove(folder)));
  return candidates.flatMap((run): Garbage[] => {
    if (kept.has(run)) return kinds.includes('checkpoints') ? replacedCheckpoints(run, wanted) : [];
    const { entry, folder, status, record } = run;
    if (above.has(folder)) return [];
    const { id, stage } = record;
    const kind = isBad(run) ? 'failed' : 'unused';
    return [{ kind, id, stage, status, folder, bytes: folderBytes(folder), entry: entry.folder }];
  });
}

function candidate(entry: HistoryEntry, history: History, root: string): Candidate[] {
  const folder = history.folderOf(entry);
  try {
    const record = readRunRecord(folder);
    const status = statusOf({ ...entry, status: record.status }, history);
    return [{ entry, folder, record, status, references: referencesOf(folder, record, root) }];
  } catch {
    return []; // gone, or damaged: nothing is known of it, so nothing is deleted
  }
}

function keptRuns(candidates: Candidate[], keepSince: number, kinds: readonly GarbageKind[]): Set<Candidate> {
  const latestGood = new Map<string, Candidate>(); // the list is in the order of starts
  for (const run of candidates) if (run.status === 'done') latestGood.set(run.record.stage, run);
  const isKept = (run: Candidate) => {
    const { status, record } = run;
    const good = latestGood.get(record.stage);
    return (
      status === 'running' ||
      Date.parse(record.startedAt) >= keepSince ||
      good === run ||
      (isBad(run) &&
        hasCheckpoint(run) &&
        (good === undefined || record.startedAt > good.record.startedAt)) ||
      !kinds.includes(isBad(run) ? 'failed' : 'unused')
    );
  };
  const byFolder = new Map(candidates.map((run) => [run.folder, run]));
  const kept = new Set<Candidate>();
  const waiting = candidates.filter(isKept);
  for (let run = waiting.pop(); run !== undefined; run = waiting.pop()) {
    if (kept.has(run)) continue;
    kept.add(run);
    const needed = run.references.flatMap(pathAndAbove).flatMap((folder) => byFolder.get(folder) ?? []);
    waiting.push(...needed, ...othersOfSweep(run, candidates));
  }
  return kept;
}

// Good jobs are compared with each other; a failed one says nothing to them.
function othersOfSweep(run: Candidate, candidates: Candidate[]): Candidate[] {
  const { sweep } = run.entry;
  if (sweep === undefined || isBad(run)) return [];
  return candidates.filter((other) => other.entry.sweep === sweep && !isBad(other));
}

const hasCheckpoint = ({ folder }: Candidate) => listSteps(join(folder, 'checkpoints')).length > 0;

const isBad = ({ status }: Candidate) => status !== 'done' && status !== 'running';

// Of a run that did not end well the older ones are what is left if the newest is damaged: those stay.
function replacedCheckpoints({ record, folder, status }: Candidate, wanted: ReadonlySet<string>): Garbage[] {
  if (status !== 'done') return [];
  const checkpoints = join(folder, 'checkpoints');
  const [newest, ...older] = listSteps(checkpoints);
  const best = newest === undefined ? [] : bestSteps(join(checkpoints, `step_${newest}`));
  return older
    .filter((step) => !best.includes(step))
    .map((step) => join(checkpoints, `step_${step}`))
    .filter((path) => !wanted.has(path))
    .map((path) => ({
      kind: 'checkpoints' as const,
      id: record.id,
      stage: record.stage,
      status,
      folder: path,
      bytes: folderBytes(path),
      entry: null,
    }));
}

// What training.keep_best keeps, as the newest checkpoint has it.
function bestSteps(checkpoint: string): number[] {
  try {
    const { best } = JSON.parse(readFileSync(join(checkpoint, 'progress.json'), 'utf8')) as {
      best?: { step: number }[];
    };
    return (best ?? []).map(({ step }) => step);
  } catch {
    return [];
  }
}
