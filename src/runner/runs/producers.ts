import { relative, resolve } from 'node:path';
import type { Artifact } from '../artifact.js';
import type { History } from '../history.js';
import { type RunRecord, readRunRecord } from '../run-record.js';
import { checkpointsOf } from './checkpoints.js';
import { runFolderOf } from './find-run.js';

/** A run and what of it something is. */
export interface Made {
  /** Absolute, of the run. */
  folder: string;
  record: RunRecord;
  /** Its output's name, or `checkpoints/step_<n>`; null for what lies in the run folder and is neither. */
  output: string | null;
  /** Absolute. */
  path: string;
  /** As recorded; null where it was not. */
  sha256: string | null;
}

/** Which run made what: by place, or by hash among all runs that are known. */
export class Producers {
  private readonly history: History;
  private hashes: Map<string, Made[]> | undefined;

  constructor(history: History) {
    this.history = history;
  }

  /** By the run folder that the path lies in; undefined where it lies in none. */
  at(path: string): Made | undefined {
    const folder = runFolderOf(path);
    const record = folder === undefined ? undefined : readIfWhole(folder);
    if (folder === undefined || record === undefined) return undefined;
    const outputs = outputsOf(folder, record);
    const all = outputs.flatMap((output) => madeBy(folder, record, output));
    const exact = all.find((made) => made.path === path);
    if (exact !== undefined) return exact;
    const around = outputs.find((output) => isIn(resolve(folder, output.path), path));
    return { folder, record, output: around?.name ?? null, path, sha256: null };
  }

  /** Every run that made these bytes, the first first. */
  ofHash(sha256: string): Made[] {
    this.hashes ??= this.readAll();
    return this.hashes.get(sha256) ?? [];
  }

  private readAll(): Map<string, Made[]> {
    const hashes = new Map<string, Made[]>();
    for (const entry of this.history.list()) {
      const folder = this.history.folderOf(entry);
      const record = readIfWhole(folder);
      if (record === undefined) continue;
      for (const made of outputsOf(folder, record).flatMap((output) => madeBy(folder, record, output)))
        hashes.set(made.sha256!, [...(hashes.get(made.sha256!) ?? []), made]);
    }
    return hashes;
  }
}

const outputsOf = (folder: string, record: RunRecord) => [...record.outputs, ...checkpointsOf(folder)];

// An output, and the files in it that were listed.
function madeBy(folder: string, record: RunRecord, { name, path, sha256, files = [] }: Artifact): Made[] {
  const made = (at: string, hash: string) => ({
    folder,
    record,
    output: name,
    path: resolve(folder, at),
    sha256: hash,
  });
  return [made(path, sha256), ...files.map((file) => made(`${path}/${file.path}`, file.sha256))];
}

const isIn = (folder: string, path: string) => !relative(folder, path).startsWith('..');

function readIfWhole(folder: string): RunRecord | undefined {
  try {
    return readRunRecord(folder);
  } catch {
    return undefined;
  }
}
