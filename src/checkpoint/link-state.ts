import { constants, copyFileSync, linkSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeFolderAtomic } from './atomic.js';

/**
 * Makes `to` the same checkpoint as `from`, whole or not at all, by hard links where the file system has them, which take
 * no room: nothing ever writes into a checkpoint, so that sharing its files is safe.
 */
export function linkTrainingState(from: string, to: string): void {
  writeFolderAtomic(to, (temporary) => {
    for (const name of readdirSync(from)) linkOrCopy(join(from, name), join(temporary, name));
  });
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to, constants.COPYFILE_FICLONE);
  }
}
