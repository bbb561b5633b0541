import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { openLatestTrainingState } from '../checkpoint/index.js';
import { SluiceError } from '../errors.js';

/**
 * The checkpoint folder that `resume` means: null for none, a `step_<n>` folder itself, or the newest complete one of a
 * run folder. Throws `checkpoint.missing`.
 */
export function checkpointToResume(context: {
  config: { resume: string | null };
  resolvePath(path: string): string;
  log(level: 'warning', text: string): void;
}): string | null {
  if (context.config.resume === null) return null;
  const path = context.resolvePath(context.config.resume);
  if (/^step_\d+$/.test(basename(path)) && existsSync(path)) return path;
  const state = openLatestTrainingState(join(path, 'checkpoints'), (text) => context.log('warning', text));
  if (state === null) {
    throw new SluiceError('checkpoint.missing', `there is no complete checkpoint in ${path}`, {
      where: path,
      hint: 'resume takes a run folder that has checkpoints/, or a checkpoints/step_<n> folder',
    });
  }
  state.tensors.close();
  return state.path;
}
