import { existsSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { SluiceError } from '../../errors.js';
import { History } from '../../runner/history.js';
import { trace } from '../../runner/runs/trace.js';
import type { TracedArtifact, TracedPart, TracedRun } from '../../runner/runs/traced.js';
import type { CommandLine } from '../arguments.js';
import type { Project } from '../project.js';
import { foundRun } from './find.js';
import { shortHash, timeText } from './texts.js';
import { type CommandForm, readFlag, readWords } from './words.js';

export const traceKeys = ['check'] as const;

const form: CommandForm<(typeof traceKeys)[number]> = {
  usage: './run runs trace FILE [check=false]',
  keys: traceKeys,
  plain: [1, 1],
};

/** `./run runs trace FILE`: a tree of the runs and inputs that made it. Exit code 1 where bytes are not what was recorded. */
export async function traceCommand(
  words: readonly string[],
  { log }: CommandLine,
  project: Project,
): Promise<number> {
  const { plain, options } = readWords(words, form);
  const check = readFlag(options.check ?? 'true', 'check', form);
  const traced = await trace(placeOf(plain[0]!, project), new History(project.root), check);
  const text = log === 'json' ? JSON.stringify(traced) : lines(traced, project.root).join('\n');
  project.stdout.write(`${text}\n`);
  return hasChanged(traced) ? 1 : 0;
}

// A path, from the caller's folder or the project's, or a run as other commands name it.
function placeOf(word: string, project: Project): string {
  const paths = [project.cwd, project.root].map((base) => resolve(base, word));
  const found = paths.find(existsSync);
  if (found !== undefined) return found;
  try {
    return foundRun(word, project).folder;
  } catch (error) {
    if (error instanceof SluiceError) return paths[0]!; // where trace says that there is nothing
    throw error;
  }
}

const hasChanged = ({ state, madeBy }: TracedArtifact): boolean =>
  state === 'changed' || (madeBy !== null && readOther(madeBy));

const readOther = ({ inputs, resumedFrom, parts }: TracedRun): boolean =>
  [...(inputs ?? []), ...(resumedFrom === null ? [] : [resumedFrom])].some(hasChanged) ||
  parts.some(({ run }) => run !== null && readOther(run));

function lines(artifact: TracedArtifact, root: string): string[] {
  const { name, path, sha256, state, madeBy, output, alsoMadeBy, note } = artifact;
  const fromRoot = relative(root, path);
  const shown = fromRoot.startsWith('..') ? path : fromRoot;
  const told = {
    same: 'as recorded',
    changed: 'CHANGED: its bytes are not the recorded ones',
    missing: 'not there any more',
    unchecked: '',
  }[state];
  const own = [name === null ? shown : `${name}: ${shown}`, sha256 === null ? '' : shortHash(sha256), told]
    .filter(Boolean)
    .join('  ');
  const notes = [
    note,
    alsoMadeBy.length === 0 ? null : `the same bytes were made by ${alsoMadeBy.join(', ')}`,
    madeBy === null && note === null ? 'no run made it: raw input' : null,
  ].filter((text) => text !== null);
  const below = madeBy === null ? [] : [runLines(madeBy, output, root)];
  return [own, ...notes.map((text) => `  (${text})`), ...branches(below)];
}

function runLines(run: TracedRun, output: string | null, root: string): string[] {
  const { id, status, startedAt, seed, versions, command, configSha256, inputs, resumedFrom, parts } = run;
  const title = output === null ? `by ${id}` : output === '' ? id : `${output} of ${id}`;
  const facts = [status === 'done' ? '' : status, timeText(startedAt), seed === null ? '' : `seed ${seed}`];
  if (inputs === null) return [`${title}, see above`];
  const below = [
    ...inputs.map((input) => lines(input, root)),
    ...(resumedFrom === null ? [] : [lines(resumedFrom, root)]),
    ...parts.map((part) => partLines(part, root)),
  ];
  const about = [
    command,
    configSha256 === null ? '' : `config ${shortHash(configSha256)}`,
    versions.commit ? `commit ${versions.commit.slice(0, 12)}` : '',
  ];
  return [
    [title, ...facts].filter(Boolean).join(', '),
    `  ${about.filter(Boolean).join(', ')}`,
    ...(below.length === 0 ? ['  (it read no files)'] : []),
    ...branches(below),
  ];
}

function partLines({ name, status, run, note }: TracedPart, root: string): string[] {
  const title = `${name}: ${status}${note === null ? '' : ` (${note})`}`;
  return [title, ...branches(run === null ? [] : [runLines(run, '', root)])];
}

const branches = (parts: string[][]): string[] =>
  parts.flatMap((part, index) => {
    const last = index === parts.length - 1;
    return part.map((line, row) => `${row === 0 ? (last ? '└─ ' : '├─ ') : last ? '   ' : '│  '}${line}`);
  });
