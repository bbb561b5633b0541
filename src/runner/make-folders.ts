import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder and those around it. Node's own `recursive` never ends where a file system says that there is no such folder
 * although the one around it is there, as /proc and automounted ones do.
 */
export async function makeFolders(path: string): Promise<void> {
  try {
    await mkdirIfMissing(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolders(dirname(path));
    await mkdirIfMissing(path);
  }
}

async function mkdirIfMissing(path: string): Promise<void> {
  await mkdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}
