import { lstatSync, readdirSync, realpathSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { History } from '../history.js';
import { readRunRecord } from '../run-record.js';
import type { Garbage } from './garbage.js';
import { liesIn, pathAndAbove } from './references.js';
import { shownStatus } from './shown-status.js';

/** What was not deleted, and why. */
export interface Spared {
  garbage: Garbage;
  why: string;
}

/**
 * Deletes what was found, and takes the runs out of the index. Nothing outside `outputs/` is touched, and no link is
 * followed: what is reached through one is spared. A run's record goes last, so that a deletion that is cut short is found
 * again.
 */
export async function deleteGarbage(found: readonly Garbage[], history: History): Promise<Spared[]> {
  const spared: Spared[] = [];
  const gone: string[] = [];
  for (const garbage of found) {
    const why = reasonToSpare(garbage, history.outputs);
    if (why !== undefined) {
      spared.push({ garbage, why });
      continue;
    }
    try {
      deleteFolder(garbage.folder);
      if (garbage.entry !== null) gone.push(garbage.entry);
      for (const folder of pathAndAbove(dirname(garbage.folder)))
        if (folder !== history.outputs && liesIn(folder, history.outputs)) removeIfEmpty(folder);
    } catch (error) {
      spared.push({ garbage, why: (error as Error).message });
    }
  }
  if (gone.length > 0) await history.forget(gone);
  return spared;
}

function reasonToSpare({ folder, entry }: Garbage, outputs: string): string | undefined {
  if (!liesIn(folder, outputs) || folder === outputs) return 'it lies outside outputs/';
  // `outputs` itself may be a link to a larger disk; below it none is followed.
  for (let at = folder; at !== outputs; at = dirname(at))
    if (lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink() !== false)
      return 'it is gone, or reached by a link';
  if (!liesIn(realpathSync(folder), realpathSync(outputs))) return 'it lies outside outputs/';
  // It may have begun again since it was looked at.
  if (entry !== null && shownStatus(readRunRecord(folder)) === 'running') return 'it runs';
  return undefined;
}

function deleteFolder(folder: string): void {
  for (const name of readdirSync(folder))
    if (name !== 'run.json') rmSync(join(folder, name), { recursive: true });
  rmSync(folder, { recursive: true });
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // something else lies in it
  }
}
