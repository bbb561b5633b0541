import { statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Makes the report of a run, or a sweep, that is lost: the process that would have made it is gone. One that is newer than
 * what was written since stays. A folder that cannot be read or written stays as it is: looking at runs must not fail for that.
 */
export async function reportLost(folder: string): Promise<void> {
  const made = modified(join(folder, 'report.html'));
  const written = ['run.json', 'metrics.jsonl', 'sweep.json'].map((name) => modified(join(folder, name)));
  if (made > Math.max(...written)) return;
  const { writeReport } = await import('../../report/index.js');
  const { shownStatusOf } = await import('../../serve/known-status.js');
  await writeReport(folder, { now: { time: Date.now(), statusOf: shownStatusOf } }).catch(() => {});
}

/** In milliseconds; 0 of a file that is not there. */
const modified = (path: string) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
