import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { openLatestTrainingState } from '../checkpoint/index.js';
import { SluiceError } from '../errors.js';

/** The keys of a training stage that say what it begins with; at most one is not null. */
export interface StartKeys {
  /** The same run goes on. */
  resume: string | null;
  /** More steps than it had. */
  extend: string | null;
  /** Its weights only. */
  init_from: string | null;
}

export type Verb = keyof StartKeys;

/** What a run begins with, where it is not step 0 of fresh weights. */
export interface Start {
  verb: Verb;
  /** A `step_<n>` folder, or a Hugging Face folder of a model (`init_from` alone). */
  folder: string;
  kind: 'checkpoint' | 'model';
}

const factNames: Record<Verb, string> = {
  resume: 'resumed_from',
  extend: 'extended_from',
  init_from: 'initialized_from',
};

const verbs: readonly Verb[] = ['resume', 'extend', 'init_from'];

/**
 * What a stage's config says it begins with; null: nothing. A run folder means its newest complete checkpoint; damaged
 * ones are passed over with a warning. The folder is recorded. Throws `checkpoint.missing`.
 */
export function startOf(context: {
  config: StartKeys;
  resolvePath(path: string): string;
  log(level: 'warning', text: string): void;
  addInput(name: string, path: string): void;
  addFact(key: string, value: unknown): void;
}): Start | null {
  const given = verbs.map((verb) => [verb, context.config[verb]] as const);
  const [verb, text] = given.find(([, value]) => value !== null) ?? [];
  if (verb === undefined || text == null) return null;
  const start = {
    verb,
    ...findState(verb, context.resolvePath(text), (line) => context.log('warning', line)),
  };
  context.addFact(factNames[verb], start.folder);
  // A run that was resumed is the run: what it made came of its data alone.
  if (verb !== 'resume') context.addInput(start.kind, start.folder);
  return start;
}

function findState(verb: Verb, path: string, warn: (text: string) => void): Omit<Start, 'verb'> {
  if (/^step_\d+$/.test(basename(path)) && existsSync(path)) return { kind: 'checkpoint', folder: path };
  const state = openLatestTrainingState(join(path, 'checkpoints'), warn);
  if (state !== null) {
    state.tensors.close();
    return { kind: 'checkpoint', folder: state.path };
  }
  const model = [path, join(path, 'model')].find((each) => existsSync(join(each, 'config.json')));
  if (verb === 'init_from' && model !== undefined) return { kind: 'model', folder: model };
  throw new SluiceError('checkpoint.missing', `there is no complete checkpoint in ${path}`, {
    where: path,
    hint: `${verb} takes a run folder that has checkpoints/, or a checkpoints/step_<n> folder`,
  });
}
