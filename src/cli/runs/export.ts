import { type Exported, exportRun } from '../../runner/runs/export-run.js';
import { trackers } from '../../telemetry/export/trackers.js';
import type { CommandLine } from '../arguments.js';
import type { Project } from '../project.js';
import { foundRun } from './find.js';
import { type CommandForm, readWords, wrong } from './words.js';

const form: CommandForm<'to'> = { usage: './run runs export ID to=mlflow', keys: ['to'], plain: [1, 1] };

/** `./run runs export ID`: sends to its tracking servers what they do not have yet. */
export async function exportCommand(
  words: readonly string[],
  { log }: CommandLine,
  project: Project,
): Promise<void> {
  const { plain, options } = readWords(words, form);
  const to = options.to?.split(',') ?? null;
  const unknown = to?.find((name) => !Object.hasOwn(trackers, name));
  if (unknown !== undefined)
    throw wrong(`to=${unknown}: ${Object.keys(trackers).join(', ')} are there`, form);
  const exported = await exportRun(foundRun(plain[0]!, project), to);
  const text = log === 'json' ? JSON.stringify(exported) : exported.map(line).join('\n');
  project.stdout.write(`${text}\n`);
}

const line = ({ to, state, rows }: Exported) =>
  `${to}: ${rows === 0 ? 'nothing was left to send' : `sent ${rows} rows`}, ${state.server} has ${state.rows}`;
