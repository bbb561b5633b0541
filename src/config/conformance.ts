import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { checkCompose } from './conformance/compose.js';
import { checkInterpolation } from './conformance/interpolation.js';
import { checkOverride } from './conformance/overrides.js';
import { checkSweep } from './conformance/sweep.js';

/** What went wrong in one vector; undefined when it passed. */
export interface Mismatch {
  expected: unknown;
  got: unknown;
}

// biome-ignore lint/suspicious/noExplicitAny: the vectors are JSON of many shapes, described in their own README
export type Vector = any;

const CHECKS: Record<string, (vector: Vector, folder: string) => Mismatch | undefined> = {
  'overrides.json': (vector) => checkOverride(vector),
  'interpolation.json': (vector) => checkInterpolation(vector),
  'compose.json': checkCompose,
  'sweep.json': checkSweep,
};

/**
 * Runs every vector file in a folder against this room and prints each failure (id, expected, got), then
 * `N passed, M failed`. Returns whether all passed.
 */
export function runConformance(folder: string, print: (line: string) => void): boolean {
  const files = readdirSync(folder)
    .filter((name) => Object.hasOwn(CHECKS, name))
    .sort();
  if (files.length === 0) throw new Error(`${folder} holds none of ${Object.keys(CHECKS).join(', ')}`);
  let passed = 0;
  let failed = 0;
  const scratch = mkdtempSync(join(tmpdir(), 'sluice-conformance-'));
  try {
    for (const file of files) {
      const vectors: Vector[] = JSON.parse(readFileSync(join(folder, file), 'utf8'));
      let ok = 0;
      for (const vector of vectors) {
        const mismatch = runOne(CHECKS[file]!, vector, scratch);
        if (mismatch === undefined) {
          ok++;
          continue;
        }
        print(`${vector.id}\n  expected: ${show(mismatch.expected)}\n  got:      ${show(mismatch.got)}`);
      }
      passed += ok;
      failed += vectors.length - ok;
      print(`${file}: ${ok} of ${vectors.length}`);
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  print(`${passed} passed, ${failed} failed`);
  return failed === 0;
}

function runOne(
  check: (vector: Vector, folder: string) => Mismatch | undefined,
  vector: Vector,
  scratch: string,
): Mismatch | undefined {
  const folder = join(scratch, vector.id);
  try {
    const prepared = vector.files === undefined ? vector : writeFiles(vector, folder);
    return check(prepared, folder);
  } catch (error) {
    return { expected: 'no crash', got: error instanceof Error ? error.stack : error };
  } finally {
    if (vector.files !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}

/** Writes the vector's files and puts the folder in for `@ROOT@`. */
function writeFiles(vector: Vector, folder: string): Vector {
  const prepared = JSON.parse(JSON.stringify(vector).replaceAll('@ROOT@', folder));
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(prepared.files as Record<string, string>)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  return prepared;
}

function show(value: unknown): string {
  if (typeof value === 'string') return value;
  return JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? `${item}n` : item)) ?? 'undefined';
}
