import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { nearest } from '../../config/nearest.js';
import { SluiceError } from '../../errors.js';
import type { History } from '../history.js';
import type { HistoryEntry } from '../history-entry.js';
import { type RunRecord, readRunRecord } from '../run-record.js';
import { manifestName } from '../sweep-manifest.js';

/** A run's folder and what it says of itself. */
export interface FoundRun {
  /** Absolute. */
  folder: string;
  record: RunRecord;
}

/** Where runs are looked for, and what relative paths start from. */
export interface RunsAt {
  history: History;
  /** Absolute; the caller's folder first, then the project's. */
  bases: readonly string[];
  /** Turns an alias into a stage's name. */
  canonical(stage: string): string;
}

/**
 * The run that a word means: an id, or a part of one that no other id has (at least not from `/` to `/`), `latest`,
 * `latest:<stage>`, or the path of a run folder or of anything in one. Throws SluiceError `usage.run` where it means none, or several.
 */
export function findRun(word: string, at: RunsAt): FoundRun {
  refuseSweep(word, at);
  const folder = folderByPath(word, at.bases) ?? at.history.folderOf(entryOf(word, at));
  return { folder, record: readRunRecord(folder) };
}

/** The innermost folder with a run.json that is or holds the path; undefined where there is none. */
export function runFolderOf(path: string): string | undefined {
  for (let folder = path; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'run.json'))) return folder;
    if (dirname(folder) === folder) return undefined;
  }
}

function folderByPath(word: string, bases: readonly string[]): string | undefined {
  for (const base of bases) {
    const path = resolve(base, word);
    const folder = existsSync(path) ? runFolderOf(path) : undefined;
    if (folder !== undefined) return folder;
  }
  return undefined;
}

// Its jobs are runs; it is none.
function refuseSweep(word: string, { history, bases }: RunsAt): void {
  const found = [...bases, history.outputs]
    .map((base) => resolve(base, word))
    .find((path) => existsSync(join(path, manifestName)));
  if (found === undefined) return;
  throw noRun(
    `${word} is a sweep, not a run`,
    `name one of its jobs: ${join(word, '0')}; its report.html shows them all`,
  );
}

function entryOf(word: string, { history, canonical }: RunsAt): HistoryEntry {
  const known = history.list();
  const [latest, stage] = word.split(':');
  if (latest === 'latest') {
    const name = stage === undefined ? undefined : canonical(stage);
    const found = known.findLast((entry) => name === undefined || entry.stage === name);
    if (found !== undefined) return found;
    throw noRun(
      name === undefined ? 'there are no runs yet' : `there is no run of ${name}`,
      stagesOf(known, name),
    );
  }
  const exact = known.find(({ id }) => id === word);
  if (exact !== undefined) return exact;
  const parts = known.filter(({ id }) => id.includes(word));
  // `12-00-00` is the run of then, not also the `12-00-00-2` that began in the same second.
  const whole = parts.filter(({ id }) => `/${id}/`.includes(`/${word}/`));
  const found = whole.length > 0 ? whole : parts;
  if (found.length === 1) return found[0]!;
  if (found.length === 0) throw noRun(`no run is called ${word}`, close(word, known));
  throw noRun(`${word} could be any of ${found.length} runs`, `the latest of them: ${list(found.slice(-4))}`);
}

function close(word: string, known: HistoryEntry[]): string {
  const [best] = nearest(
    word,
    known.map(({ id }) => id),
  );
  return best === undefined ? './run runs lists them' : `did you mean ${best}?`;
}

function stagesOf(known: HistoryEntry[], wanted: string | undefined): string {
  const stages = [...new Set(known.map(({ stage }) => stage))];
  if (wanted === undefined || stages.length === 0) return './run stages lists what can be run';
  const [best] = nearest(wanted, stages);
  return best === undefined ? `there are runs of ${stages.join(', ')}` : `did you mean ${best}?`;
}

const list = (entries: HistoryEntry[]) => entries.map(({ id }) => id).join(', ');

const noRun = (message: string, hint: string) => new SluiceError('usage.run', message, { hint });
