import { existsSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { listSteps } from '../../checkpoint/training-state.js';
import { SluiceError } from '../../errors.js';
import { recordedConfig } from '../config-hash.js';
import { configDifferences } from './config-differences.js';
import { latestCheckpoint, shown } from './latest-run.js';
import { savedConfig } from './saved-config.js';

/** What is wrong with a key of the config, without its place. */
export interface ContinuationProblem {
  path: string;
  message: string;
  hint?: string;
}

/** What a config that goes on from another run means by that: `key` with the path in place of `latest`, or what is wrong. */
export interface Continuation {
  key: Verb;
  path: string;
  problems: ContinuationProblem[];
  /** Of checkpoints that `latest` passed over. */
  warnings: string[];
}

type Verb = 'resume' | 'extend' | 'init_from';

const verbs: readonly Verb[] = ['resume', 'extend', 'init_from'];

/**
 * Looks up what `resume`, `extend` or `init_from` of a stage's config names, and compares the config with that of the run
 * it goes on from. Undefined for a config that goes on from none.
 */
export function continuation(
  stage: string,
  config: Record<string, unknown>,
  root: string,
): Continuation | undefined {
  const key = verbs.find((verb) => typeof config[verb] === 'string');
  if (key === undefined) return undefined;
  const now = recordedConfig(config);
  const text = config[key] as string;
  if (text !== 'latest') {
    const problems = key === 'init_from' ? [] : otherConfig(text, now, key, root);
    return { key, path: text, problems, warnings: [] };
  }
  const latest = latestCheckpoint({ root, stage, verb: key, config: now });
  if (latest.found !== null) {
    const path = relative(root, latest.found);
    return { key, path: path.startsWith('..') ? latest.found : path, problems: [], warnings: latest.damaged };
  }
  return { key, path: text, problems: [nothingFound(stage, key, latest.reasons)], warnings: [] };
}

const mostReasons = 8;

function nothingFound(stage: string, path: Verb, reasons: readonly string[]): ContinuationProblem {
  if (reasons.length === 0) return { path, message: `there is no run of ${stage} to go on from` };
  const left = reasons.length - mostReasons;
  const lines = [...reasons.slice(0, mostReasons), ...(left > 0 ? [`and ${left} more`] : [])];
  const message = `no run of ${stage} can go on:\n${lines.map((line) => `  ${line}`).join('\n')}`;
  return { path, message, hint: `repeat the overrides of the run, or name its folder: ${path}=outputs/…` };
}

function otherConfig(
  text: string,
  now: unknown,
  verb: 'resume' | 'extend',
  root: string,
): ContinuationProblem[] {
  const checkpoint = newestReadable(resolve(root, text));
  // A damaged checkpoint is told of, and passed over, by the stage, which reads it whole.
  if (checkpoint === undefined) return [];
  const hint =
    verb === 'resume'
      ? 'put it back to go on with the same run; extend=… gives a run more steps or another schedule, init_from=… takes its weights only'
      : 'put it back: extend=… changes length and schedule alone; init_from=… takes the weights only';
  return configDifferences(checkpoint.config, now, verb).map(({ path: key, before, now: value }) => ({
    path: key,
    message: `${shown(value)} here, but ${shown(before)} in ${relative(root, checkpoint.folder)}, which ${verb}=… goes on from`,
    hint,
  }));
}

function newestReadable(path: string): { folder: string; config: unknown } | undefined {
  const isCheckpoint = /^step_\d+$/.test(basename(path)) && existsSync(path);
  const folder = join(path, 'checkpoints');
  const found = isCheckpoint ? [path] : listSteps(folder).map((step) => join(folder, `step_${step}`));
  for (const each of found) {
    try {
      return { folder: each, config: savedConfig(each) };
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
    }
  }
  return undefined;
}
