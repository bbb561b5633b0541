import { join, resolve } from 'node:path';
import { openLatestTrainingState } from '../checkpoint/training-state.js';
import type { SweepJobEntry } from './sweep-manifest.js';

/**
 * The folder of the latest attempt at a job of a sweep that a further one can go on from, absolute, and the step of its
 * newest complete checkpoint; undefined where none has one.
 *
 * @param folder of the sweep. @param warn is told of checkpoints that are passed over
 */
export function resumePoint(
  attempts: SweepJobEntry['attempts'],
  folder: string,
  warn: (text: string) => void,
): { folder: string; step: number } | undefined {
  for (const attempt of attempts.toReversed()) {
    const own = resolve(folder, attempt.folder);
    const state = openLatestTrainingState(join(own, 'checkpoints'), warn);
    if (state === null) continue;
    state.tensors.close();
    return { folder: own, step: state.step };
  }
  return undefined;
}
