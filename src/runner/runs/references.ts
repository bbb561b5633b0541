import { dirname, relative, resolve, sep } from 'node:path';
import type { RunRecord } from '../run-record.js';

/**
 * Absolute paths that a run's record speaks of: its inputs, the steps of a pipeline, and every value of its config that
 * could be a path, such as `resume`. What they lie in is what the run needs.
 */
export function referencesOf(folder: string, record: RunRecord, root: string): string[] {
  const steps = (record.steps ?? []).flatMap((step) =>
    step.folder === null ? [] : [resolve(folder, step.folder)],
  );
  return [
    ...record.inputs.map(({ path }) => resolve(folder, path)),
    ...steps,
    ...texts(record.config)
      .filter((text) => text.includes('/'))
      .map((text) => resolve(root, text)),
  ];
}

/** Whether a path is a folder or lies in it. */
export function liesIn(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && way !== path);
}

/** A path and every folder that it lies in, the innermost first. */
export function pathAndAbove(path: string): string[] {
  const above = dirname(path);
  return above === path ? [path] : [path, ...pathAndAbove(above)];
}

function texts(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(texts) : [];
}
