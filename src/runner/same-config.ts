import { resolve } from 'node:path';
import { recordedConfig } from './config-hash.js';

/** A run as configs are compared with its own: what it was given, and which files that named. */
export interface ComparedRun {
  config: Record<string, unknown>;
  /** Absolute: strings of the config that name it mean "here". */
  folder: string;
  /** Absolute paths. */
  inputs: readonly { path: string; sha256: string }[];
}

export interface ConfigDifference {
  /** `training.learning_rate`, `adapters.random` */
  path: string;
  before: unknown;
  now: unknown;
}

export interface Comparison {
  differences: ConfigDifference[];
  /** Inputs that the config names: the hash that the run read, and the path that the config names now. */
  inputs: { path: string; sha256: string }[];
  /** Inputs that the run found by itself, at the paths it found them. */
  found: { path: string; sha256: string }[];
  /** Whether any input that the config names is another path now. */
  moved: boolean;
}

// Where runs lie, and where an earlier run of the same config had got to, change no number.
const notCompared = ['output_dir', 'resume'];

/**
 * Compares a config with that of an earlier run. A path that the run recorded as an input is the same if its content is,
 * wherever it lies: those are given back for the caller to hash. Relative paths start at `root`.
 */
export function compareConfig(
  before: ComparedRun,
  now: Pick<ComparedRun, 'config' | 'folder'>,
  root: string,
): Comparison {
  const recorded = new Map(before.inputs.map(({ path, sha256 }) => [path, sha256]));
  const named = new Set<string>();
  const result: Comparison = { differences: [], inputs: [], found: [], moved: false };
  const leaves = leavesOf(before.config);
  const leavesNow = leavesOf(recordedConfig(now.config));
  for (const path of new Set([...leaves.keys(), ...leavesNow.keys()])) {
    if (notCompared.includes(path)) continue;
    const [was, is] = [leaves.get(path), leavesNow.get(path)];
    const input = typeof was === 'string' ? resolve(root, was) : undefined;
    if (input !== undefined && typeof is === 'string' && recorded.has(input)) {
      named.add(input);
      result.inputs.push({ path: resolve(root, is), sha256: recorded.get(input)! });
      result.moved ||= resolve(root, is) !== input;
    } else if (!isSame(without(was, before.folder), without(is, now.folder))) {
      result.differences.push({ path, before: was, now: is });
    }
  }
  result.found = before.inputs.filter(({ path }) => !named.has(path));
  return result;
}

/** Values of a tree by path; an empty list or mapping is a value too. */
function leavesOf(tree: unknown, path = ''): Map<string, unknown> {
  const inner = typeof tree === 'object' && tree !== null ? Object.entries(tree) : [];
  if (inner.length === 0) return new Map([[path, tree]]);
  const below = (key: string) =>
    Array.isArray(tree) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`;
  return new Map(inner.flatMap(([key, value]) => [...leavesOf(value, below(key))]));
}

const without = (value: unknown, folder: string) =>
  typeof value === 'string' ? value.replaceAll(folder, '<run folder>') : value;

// Leaves alone: of objects, only empty ones come here.
const isSame = (a: unknown, b: unknown) =>
  a === b || (a !== undefined && JSON.stringify(a) === JSON.stringify(b));
