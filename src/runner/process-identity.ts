import { readFileSync } from 'node:fs';

/**
 * What tells a process from another that got the same number later: its start in clock ticks since the boot, from
 * /proc. Null where there is no such process, or no /proc.
 */
export function processStart(pid: number): string | null {
  return procStat(pid)?.[19] ?? null;
}

/** Whether a process runs on this host: the one that started then, where `start` says when. A zombie does not run. */
export function isAlive(pid: number, start?: string | null): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const stat = procStat(pid);
  if (stat === undefined) return true;
  if (stat[0] === 'Z') return false;
  return start === undefined || start === null || start === '' || stat[19] === start;
}

// The fields after the name, which stands in brackets and may hold blanks: state, parent, …; the 20th is the start.
function procStat(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
