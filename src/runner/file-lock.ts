import { open, readFile, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../errors.js';

// A holder only rewrites a small index: one that takes longer has died or hangs.
const patienceMilliseconds = 10_000;

/**
 * Runs `work` while this process alone holds `<path>.lock`. A lock whose process is gone (on this host) is taken over.
 * Throws SluiceError `run.locked` when another holder does not let go within ten seconds.
 */
export async function withFileLock<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  const lock = `${path}.lock`;
  const deadline = Date.now() + patienceMilliseconds;
  while (!(await take(lock))) {
    if (Date.now() > deadline) {
      throw new SluiceError('run.locked', 'another process holds the lock of the run index', {
        where: lock,
        hint: 'delete this file if no other run is active',
      });
    }
    if (await abandoned(lock)) await rm(lock, { force: true });
    else await sleep(5 + Math.random() * 20);
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
    await file.writeFile(`${process.pid} ${hostname()}`);
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function abandoned(lock: string): Promise<boolean> {
  try {
    const [pid, host] = (await readFile(lock, 'utf8')).split(' ');
    // Empty: its holder is between making and writing it, or died there.
    if (host === undefined) return Date.now() - (await stat(lock)).mtimeMs > 1000;
    return host === hostname() && !isAlive(Number(pid));
  } catch {
    return false; // gone meanwhile: the next attempt tells
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
