import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '../errors.js';
import { makeFolders } from './make-folders.js';

/**
 * Makes the folder of a sweep and gives its path: `wanted`, or `wanted-2`, `wanted-3`, … where a sweep lies there already.
 * The folder is claimed by its `multirun.yaml`, the sweep's config, so that two sweeps in one second never share one.
 */
export async function createSweepFolder(wanted: string, multirunYaml: string): Promise<string> {
  try {
    for (let attempt = 1; ; attempt++) {
      const path = attempt === 1 ? wanted : `${wanted}-${attempt}`;
      await makeFolders(path);
      if (await isNew(join(path, 'multirun.yaml'), multirunYaml)) return path;
    }
  } catch (cause) {
    throw new SluiceError('run.folder', `cannot make the sweep's folder: ${(cause as Error).message}`, {
      where: wanted,
      hint: 'hydra.sweep.dir=… puts it elsewhere',
      cause,
    });
  }
}

async function isNew(path: string, text: string): Promise<boolean> {
  try {
    await writeFile(path, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
