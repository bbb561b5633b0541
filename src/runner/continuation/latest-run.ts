import { basename, dirname, join, relative, resolve } from 'node:path';
import { openLatestTrainingState } from '../../checkpoint/training-state.js';
import { History } from '../history.js';
import { type RunRecord, readRunRecord } from '../run-record.js';
import { shownStatus } from '../runs/shown-status.js';
import { configDifferences } from './config-differences.js';
import { savedConfig } from './saved-config.js';

export interface Wanted {
  root: string;
  stage: string;
  verb: 'resume' | 'extend' | 'init_from';
  /** As JSON has it. */
  config: unknown;
}

/** The checkpoint that `latest` means, and the damaged ones before it; or why no run has one: a line for each, latest first. */
export type Latest = { found: string; damaged: string[] } | { found: null; reasons: string[] };

interface Candidate {
  folder: string;
  record: RunRecord;
}

/**
 * The newest complete checkpoint of the latest run of a stage that can go on: that is not done and has the same config
 * (`resume`) and that no other run took to its end, has the same config but for its length (`extend`), whatever it is (`init_from`). A run that another one
 * went on from comes after that one, whatever their clocks said.
 */
export function latestCheckpoint(wanted: Wanted): Latest {
  const reasons: string[] = [];
  const runs = runsOf(wanted);
  for (const candidate of runs) {
    const { folder, record } = candidate;
    const away = (why: string) =>
      reasons.push(`${relative(wanted.root, folder)} (${shownStatus(record)}): ${why}`);
    const unfit = whyNot(candidate, wanted.verb) ?? takenUp(candidate, runs, wanted);
    if (unfit !== undefined) {
      away(unfit);
      continue;
    }
    const damaged: string[] = [];
    const state = openLatestTrainingState(join(folder, 'checkpoints'), (text) => damaged.push(text));
    if (state === null) {
      away(['no complete checkpoint', ...damaged].join('; '));
      continue;
    }
    state.tensors.close();
    const others =
      wanted.verb === 'init_from'
        ? []
        : configDifferences(savedConfig(state.path), wanted.config, wanted.verb);
    if (others.length === 0) return { found: state.path, damaged };
    away(
      `another config: ${others.slice(0, 3).map(differenceText).join(', ')}${others.length > 3 ? ', …' : ''}`,
    );
  }
  return { found: null, reasons };
}

function whyNot({ record }: Candidate, verb: Wanted['verb']): string | undefined {
  const status = shownStatus(record);
  if (status === 'running') return `process ${record.pid} is at work on it`;
  return status === 'done' && verb === 'resume'
    ? 'it has nothing left to do; extend=… gives it more steps'
    : undefined;
}

// Of a run that was killed, resumed and so came to its end, nothing is left to do, though it never said so itself.
function takenUp(
  candidate: Candidate,
  runs: readonly Candidate[],
  { root, verb }: Pick<Wanted, 'root' | 'verb'>,
): string | undefined {
  if (verb !== 'resume') return undefined;
  for (const next of runs.filter((run) => sourceOf(run, root) === candidate.folder)) {
    const status = shownStatus(next.record);
    const name = relative(root, next.folder);
    if (status === 'running') return `${name} goes on from it`;
    if (status === 'done') return `${name} went on from it and is done`;
    const later = takenUp(next, runs, { root, verb });
    if (later !== undefined) return later;
  }
  return undefined;
}

const differenceText = ({ path, before, now }: { path: string; before: unknown; now: unknown }) =>
  `${path} was ${shown(before)}, not ${shown(now)}`;

export const shown = (value: unknown): string => (value === undefined ? 'unset' : JSON.stringify(value));

/** Latest first, but a run always after those that went on from it. */
function runsOf({ root, stage }: Wanted): Candidate[] {
  const history = new History(root);
  const runs = history
    .list()
    .filter((entry) => entry.stage === stage)
    .reverse()
    .flatMap((entry) => readCandidate(history.folderOf(entry)));
  const ordered = new Set<Candidate>();
  const visit = (run: Candidate) => {
    if (ordered.has(run)) return;
    for (const other of runs) if (other !== run && sourceOf(other, root) === run.folder) visit(other);
    ordered.add(run);
  };
  for (const run of runs) visit(run);
  return [...ordered];
}

function readCandidate(folder: string): Candidate[] {
  try {
    return [{ folder, record: readRunRecord(folder) }];
  } catch {
    return []; // deleted, or claimed and never begun
  }
}

// .../<run>/checkpoints/step_<n>, or .../<run> -> .../<run>
function sourceOf({ record }: Candidate, root: string): string | undefined {
  const { resume } = (record.config ?? {}) as { resume?: unknown };
  if (typeof resume !== 'string') return undefined;
  const path = resolve(root, resume);
  return /^step_\d+$/.test(basename(path)) ? dirname(dirname(path)) : path;
}
