import { join, resolve } from 'node:path';
import { History } from '../../src/runner/history.js';
import { readRunRecord } from '../../src/runner/run-record.js';
import { readSweepManifest } from '../../src/runner/sweep-manifest.js';

/** What is wrong with a sweep over `seed=range(0,jobs)` in `outputs/swept` that ended well: a line for each thing. */
export function lostJobs(root: string, jobs: number): string[] {
  const folder = join(root, 'outputs/swept');
  const manifest = readSweepManifest(folder);
  const found: string[] = [];
  if (manifest.status !== 'done') found.push(`the sweep is ${manifest.status}`);
  if (manifest.jobs.length !== jobs) found.push(`${manifest.jobs.length} jobs in sweep.json, not ${jobs}`);
  const history = new History(root);
  const index = new Map(history.list().map((entry) => [history.folderOf(entry), entry.status]));
  for (const [num, job] of manifest.jobs.entries()) {
    const wrong = (text: string) => found.push(`job ${num}: ${text}`);
    if (job.num !== num || job.overrides[0] !== `seed=${num}`) wrong(`is ${job.num}, ${job.overrides}`);
    if (job.status !== 'done') wrong(`is ${job.status}`);
    const done = job.attempts.filter(({ status }) => status === 'done');
    if (done.length !== 1 || done[0]!.folder !== job.folder) wrong(`is done ${done.length} times`);
    const own = resolve(folder, job.folder!);
    const record = readRunRecord(own);
    if (record.status !== 'done' || record.seed !== num)
      wrong(`its run.json says ${record.status}, seed ${record.seed}`);
    if (index.get(own) !== 'done') wrong(`the index of runs says ${index.get(own)}`);
  }
  return found;
}
