import { nearest } from '../../config/nearest.js';
import { SluiceError } from '../../errors.js';
import { History } from '../../runner/history.js';
import type { CommandLine } from '../arguments.js';
import type { Project } from '../project.js';
import { readWords } from './words.js';

type RunsCommand = (words: readonly string[], line: CommandLine, project: Project) => Promise<unknown>;

/** What can be done with runs; the code of each is loaded when it is wanted. A number is the exit code. */
const commands: Readonly<Record<string, RunsCommand>> = {
  list: async (...args) => (await import('./list.js')).listCommand(...args),
  show: async (...args) => (await import('./show.js')).showCommand(...args),
  diff: async (...args) => (await import('./diff.js')).diffCommand(...args),
  trace: async (...args) => (await import('./trace.js')).traceCommand(...args),
  rerun: async (...args) => (await import('./rerun.js')).rerunCommand(...args),
  gc: async (...args) => (await import('./gc.js')).gcCommand(...args),
  export: async (...args) => (await import('./export.js')).exportCommand(...args),
  reindex: async (words, { log }, { root, stdout }) => {
    readWords(words, { usage: './run runs reindex', keys: [], plain: [0, 0] });
    const runs = await new History(root).reindex();
    stdout.write(log === 'json' ? `${JSON.stringify({ runs })}\n` : `${runs} runs\n`);
  },
};

export const runsWords = Object.keys(commands);

/** `./run runs [word …]`. Without a word of its own, or with conditions alone, it lists. Gives the exit code. */
export async function runsCommand(line: CommandLine, project: Project): Promise<number> {
  const [word, ...words] = line.rest;
  if (word === undefined || /[=<>]/.test(word))
    return exitCode(await commands.list!(line.rest, line, project));
  const command = Object.hasOwn(commands, word) ? commands[word] : undefined;
  if (command !== undefined) return exitCode(await command(words, line, project));
  const [close] = nearest(word, runsWords);
  throw new SluiceError('usage.runs', `runs does not know ${word}`, {
    hint: close === undefined ? `./run runs ${runsWords.join('|')}` : `did you mean ./run runs ${close}?`,
  });
}

const exitCode = (told: unknown) => (typeof told === 'number' ? told : 0);
