import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { nearest } from './nearest.js';
import type { Finding } from './schema-keywords.js';

/**
 * `mustExist` of a schema. `checkpoints`: a run folder with checkpoints, or one of them; `weights`: that, or a folder of a
 * model. Of both, `latest` names a run that is looked for later.
 */
export type PathKind = 'file' | 'folder' | 'any' | 'checkpoints' | 'weights';

const KINDS: Record<PathKind, string> = {
  file: 'a file',
  folder: 'a folder',
  any: 'a file or folder',
  checkpoints: 'latest, a run folder with checkpoints/, or a checkpoints/step_<n> folder',
  weights:
    'latest, a run folder with checkpoints/ or model/, a checkpoints/step_<n> folder, or a folder of a model',
};

/**
 * Why the path written as `text` does not do, or undefined. `absolute` is where it points, `holding` what a folder must have,
 * `stage` whose checkpoints are wanted.
 */
export function findPathProblem(
  text: string,
  absolute: string,
  kind: PathKind,
  { holding = [], stage }: { holding?: readonly string[]; stage?: string | undefined } = {},
): Finding | undefined {
  if (text === 'latest' && (kind === 'checkpoints' || kind === 'weights')) return undefined;
  const expected = `expected ${KINDS[kind]}${holding.length === 0 ? '' : ` with ${listed(holding)}`}`;
  const wrong = (what: string, hint?: string): Finding => ({
    message: `${expected}, got ${JSON.stringify(text)}, which ${what}`,
    hint,
  });
  const stat = statSync(absolute, { throwIfNoEntry: false });
  if (stat === undefined) return wrong('does not exist', similarPath(text, absolute));
  if (kind === 'file' && !stat.isFile()) return wrong('is a folder');
  if (kind !== 'any' && kind !== 'file' && !stat.isDirectory()) return wrong('is a file');
  const lacking = holding.filter((name) => !existsSync(join(absolute, name)));
  if (lacking.length > 0) return wrong(`has no ${listed(lacking)}`);
  if (kind === 'weights' && isModel(absolute)) return undefined;
  return kind === 'checkpoints' || kind === 'weights' ? checkpointProblem(absolute, stage, wrong) : undefined;
}

const isModel = (folder: string) =>
  [folder, join(folder, 'model')].some((each) => existsSync(join(each, 'config.json')));

function checkpointProblem(
  folder: string,
  stage: string | undefined,
  wrong: (what: string) => Finding,
): Finding | undefined {
  const isCheckpoint = /^step_\d+$/.test(basename(folder));
  const run = isCheckpoint ? dirname(dirname(folder)) : folder;
  if (!isCheckpoint && !existsSync(join(folder, 'checkpoints'))) return wrong('has no checkpoints');
  const made = stageOfRun(run);
  return made === undefined || stage === undefined || made === stage
    ? undefined
    : wrong(`is of ${made}, not of ${stage}`);
}

function stageOfRun(folder: string): string | undefined {
  try {
    const { stage } = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')) as { stage?: unknown };
    return typeof stage === 'string' ? stage : undefined;
  } catch {
    return undefined; // checkpoints may be copied about without their run.json
  }
}

/** The path with its first wrong part put right, if something near is there. */
function similarPath(text: string, absolute: string): string | undefined {
  let wrong = absolute;
  while (!existsSync(dirname(wrong))) wrong = dirname(wrong);
  const rest = absolute.slice(wrong.length);
  if (!text.endsWith(`${basename(wrong)}${rest}`)) return undefined;
  const start = text.slice(0, text.length - basename(wrong).length - rest.length);
  const parent = statSync(dirname(wrong));
  const near = parent.isDirectory() ? nearest(basename(wrong), readdirSync(dirname(wrong))) : [];
  return near.length === 0
    ? undefined
    : `did you mean ${near.map((name) => start + name + rest).join(' or ')}?`;
}

const listed = (names: readonly string[]): string =>
  names.length === 1 ? names[0]! : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
