import { SluiceError } from '../errors.js';
import { clock } from '../runner/display/progress-text.js';
import { History } from '../runner/history.js';
import type { CommandLine } from './arguments.js';
import type { Project } from './project.js';
import { tableText } from './table-text.js';

/** `./run runs`: the runs of this project, newest last. `./run runs reindex`: makes the index anew from the folders. */
export async function listRuns({ rest, log }: CommandLine, { root, stdout }: Project): Promise<void> {
  const history = new History(root);
  if (rest[0] === 'reindex' && rest.length === 1) {
    stdout.write(`${await history.reindex()} runs\n`);
    return;
  }
  if (rest.length > 0) {
    throw new SluiceError('usage.runs', `runs does not know ${rest.join(' ')}`, {
      hint: './run runs, ./run runs reindex',
    });
  }
  const runs = history.list();
  if (log === 'json') {
    stdout.write(`${JSON.stringify(runs)}\n`);
    return;
  }
  const rows = runs.map(({ id, status, durationSeconds }) => [
    id,
    status,
    durationSeconds === null ? '' : clock(durationSeconds),
  ]);
  stdout.write(`${tableText({ title: `${runs.length} runs`, columns: ['run', 'status', 'time'], rows })}\n`);
}
