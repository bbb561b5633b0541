import { open, readFile, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../errors.js';
import { isAlive, processStart } from './process-identity.js';

// A holder only rewrites a small index: what takes this long has died on another host, or hangs.
const patienceMilliseconds = 30_000;

/**
 * Runs `work` while this process alone holds `<path>.lock`. A lock whose process is gone (on this host) is taken over.
 * Throws SluiceError `run.locked` when other holders do not let it through within half a minute.
 */
export async function withFileLock<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  const lock = `${path}.lock`;
  const deadline = performance.now() + patienceMilliseconds;
  while (!(await take(lock))) {
    if (performance.now() > deadline) {
      throw new SluiceError('run.locked', 'another process holds the lock of the run index', {
        where: lock,
        hint: 'delete this file if no other run is active',
      });
    }
    if (!(await removeAbandoned(lock))) await sleep(2 + Math.random() * 10);
  }
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

async function take(lock: string): Promise<boolean> {
  try {
    const file = await open(lock, 'wx');
    await file.writeFile(`${process.pid} ${hostname()} ${processStart(process.pid) ?? ''}`);
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

// Of several that see a dead holder, one removes its lock, and looks again first: by then it may be another's new one.
async function removeAbandoned(lock: string): Promise<boolean> {
  if (!(await abandoned(lock))) return false;
  const guard = `${lock}.takeover`;
  if (!(await take(guard))) {
    if (await abandoned(guard)) await rm(guard, { force: true });
    return false;
  }
  try {
    if (await abandoned(lock)) await rm(lock, { force: true });
    return true;
  } finally {
    await rm(guard, { force: true });
  }
}

async function abandoned(lock: string): Promise<boolean> {
  try {
    const [pid, host, start] = (await readFile(lock, 'utf8')).split(' ');
    // Empty: its holder is between making and writing it, or died there.
    if (host === undefined) return Date.now() - (await stat(lock)).mtimeMs > 1000;
    return host === hostname() && !isAlive(Number(pid), start);
  } catch {
    return false; // gone meanwhile: the next attempt tells
  }
}
