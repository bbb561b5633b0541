import { existsSync, readdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { SluiceError } from '../errors.js';
import { isAlive } from './process-identity.js';
import { manifestName, readSweepManifest, type SweepManifest } from './sweep-manifest.js';

/** Absolute folder of the sweep that was started last, below `outputs/`; of one stage where that is given. */
export function latestSweep(root: string, stage?: string): string {
  const found = sweepFolders(join(root, 'outputs')).flatMap((folder) => {
    try {
      return [{ folder, manifest: readSweepManifest(folder) }];
    } catch {
      return []; // a damaged one hides no other
    }
  });
  const latest = found
    .filter(({ manifest }) => stage === undefined || manifest.stage === stage)
    .sort((a, b) => (a.manifest.startedAt < b.manifest.startedAt ? 1 : -1))[0];
  if (latest !== undefined) return latest.folder;
  const of = stage === undefined ? '' : ` of ${stage}`;
  throw new SluiceError('usage.resume_sweep', `there is no sweep${of} below outputs/ to go on with`, {
    hint: '--resume-sweep=FOLDER takes one that lies elsewhere: the folder with its sweep.json',
  });
}

/** Throws SluiceError `usage.resume_sweep` where another process is at work on it. */
export function refuseRunning(folder: string, { status, pid, processStart, host }: SweepManifest): void {
  if (status !== 'running' || host !== hostname() || !isAlive(pid, processStart)) return;
  throw new SluiceError('usage.resume_sweep', `this sweep is still running, as process ${pid}`, {
    where: folder,
    hint: `wait for it or end it: kill ${pid} lets its jobs write a checkpoint`,
  });
}

// outputs/multirun/<date>/<time>, and where hydra.sweep.dir puts it less than two folders deeper.
function sweepFolders(folder: string, depth = 5): string[] {
  if (existsSync(join(folder, manifestName))) return [folder];
  if (depth === 0 || !existsSync(folder) || existsSync(join(folder, 'run.json'))) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => sweepFolders(join(folder, entry.name), depth - 1));
}
