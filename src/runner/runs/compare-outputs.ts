import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Artifact, fingerprint } from '../artifact.js';
import type { RunRecord } from '../run-record.js';
import type { FoundRun } from './find-run.js';

/** An input of a run that is no longer what it read. */
export interface ChangedInput {
  name: string;
  /** Absolute. */
  path: string;
  was: string;
  /** Null: not there. */
  is: string | null;
}

/** Which inputs of a run are changed or gone, by hashing what is there now. */
export async function changedInputs({ folder, record }: FoundRun): Promise<ChangedInput[]> {
  const changed: ChangedInput[] = [];
  for (const { name, path: stored, sha256 } of record.inputs) {
    const path = resolve(folder, stored);
    const is = existsSync(path) ? (await fingerprint(path)).sha256 : null;
    if (is !== sha256) changed.push({ name, path, was: sha256, is });
  }
  return changed;
}

/** One output of a run beside that of another by the same name; null: it made none. */
export interface ComparedOutput {
  name: string;
  same: boolean;
  a: string | null;
  b: string | null;
  /** Of two folders that differ: the files that do, where both list theirs. */
  files: string[];
}

/** The outputs of two runs, bit for bit, by their recorded hashes. */
export function compareOutputs(a: RunRecord, b: RunRecord): ComparedOutput[] {
  const [left, right] = [byName(a.outputs), byName(b.outputs)];
  const names = new Set([...left.keys(), ...right.keys()]);
  return [...names].map((name) => {
    const [one, other] = [left.get(name), right.get(name)];
    const same = one?.sha256 === other?.sha256;
    const files = same || !one || !other ? [] : differingFiles(one, other);
    return { name, same, a: one?.sha256 ?? null, b: other?.sha256 ?? null, files };
  });
}

function differingFiles({ files: a }: Artifact, { files: b }: Artifact): string[] {
  if (a === undefined || b === undefined) return [];
  const hashes = (files: typeof a) => new Map(files.map(({ path, sha256 }) => [path, sha256]));
  const [left, right] = [hashes(a), hashes(b)];
  const paths = new Set([...left.keys(), ...right.keys()]);
  return [...paths].filter((path) => left.get(path) !== right.get(path)).sort();
}

const byName = (artifacts: readonly Artifact[]) =>
  new Map(artifacts.map((artifact) => [artifact.name, artifact]));
