import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SluiceError } from '../errors.js';
import { makeFolders } from './make-folders.js';

/** What Hydra writes into `.hydra/`, as texts, and what set each value of the config. */
export interface HydraFiles {
  /** `hydra.output_subdir`: the folder's name, null for none. */
  subdirectory: string | null;
  config: string;
  hydra: string;
  overrides: string;
  /** Of `origins.jsonl` in the run folder itself: an OriginEntry per line. */
  origins: string;
}

/**
 * Makes the run folder and gives its path: `wanted`, or `wanted-2`, `wanted-3`, … where that is taken. The folder is
 * claimed by an exclusive mkdir, so that two runs in one second, also of two processes, never share one.
 * An empty folder that exists already is taken as it is: someone made it for this run.
 */
export async function createRunFolder(wanted: string): Promise<string> {
  try {
    await makeFolders(dirname(wanted));
    for (let attempt = 1; ; attempt++) {
      const path = attempt === 1 ? wanted : `${wanted}-${attempt}`;
      if (await claim(path)) return path;
    }
  } catch (cause) {
    throw new SluiceError('run.folder', `cannot make the run folder: ${(cause as Error).message}`, {
      where: wanted,
      hint: 'hydra.run.dir=… puts it elsewhere',
      cause,
    });
  }
}

async function claim(path: string): Promise<boolean> {
  try {
    await mkdir(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const content = await readdir(path).catch(() => ['a file, not a folder']);
    if (content.length > 0) return false;
  }
  try {
    // The first thing in every run folder; of two processes that found it empty, one makes this.
    await writeFile(join(path, 'run.json'), '', { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

export async function writeHydraFiles(runDirectory: string, files: HydraFiles): Promise<void> {
  await writeFile(join(runDirectory, 'origins.jsonl'), files.origins);
  if (files.subdirectory === null) return;
  const folder = join(runDirectory, files.subdirectory);
  await mkdir(folder, { recursive: true });
  await Promise.all([
    writeFile(join(folder, 'config.yaml'), files.config),
    writeFile(join(folder, 'hydra.yaml'), files.hydra),
    writeFile(join(folder, 'overrides.yaml'), files.overrides),
  ]);
}
