import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import {
  answerClasses,
  buildPool,
  type CleaningCounts,
  type ColumnMapping,
  cleanText,
  continuations,
  type DefectName,
  majorityBaseline,
  makeQuestions,
  prompt,
  type Question,
  type QuestionKind,
  readTexts,
  type SourceDocument,
  type Split,
  sotuAddresses,
  sotuFolder,
  splitDocuments,
  type TokenStoreMeta,
  type TruthRow,
  tokenizeDocuments,
  unigramLoss,
  writeJsonLines,
  writeTokenStore,
} from '../src/data/index.js';
import { SluiceError } from '../src/errors.js';
import type { StageContext, StageDefinition } from '../src/runner/stage.js';
import { encodeChats, Tokenizer, type TrainBpe, trainTokenizer } from '../src/text/index.js';

/** configs/prepare.schema.json describes each key. */
export interface PrepareConfig {
  source: { name: 'sotu' | 'files'; path: string | null; mapping: ColumnMapping };
  split: { validation: number; test: number };
  tokenizer: { vocab_size: number; min_frequency: number };
  sequence_length: number;
  conversations: { share: number; passage_words: [number, number] };
  pool: {
    rows: number;
    dirty_share: number;
    kinds: QuestionKind[];
    speakers: number;
    passage_words: [number, number];
    defects: Partial<Record<DefectName, number>>;
  };
  questions: { rows: number };
  /** null: all cores. */
  threads: number | null;
  seed: number;
}

type SplitName = keyof Split<SourceDocument>;
const SPLITS: readonly SplitName[] = ['train', 'validation', 'test'];

export const stage: StageDefinition<PrepareConfig> = {
  name: 'prepare',
  run: (context) => run(context),
};

/** The stage with the addon's trainer, or (in tests) another one. */
export async function run(context: StageContext<PrepareConfig>, trainBpe?: TrainBpe): Promise<void> {
  const { config, runDirectory, emit, addOutput, addFact } = context;
  const folder = (name: string) => join(runDirectory, name);
  const progress = (phase: string, step: number, totalSteps: number) => {
    if (context.signal.aborted)
      throw new SluiceError('interrupted', `stopped while preparing data (${phase})`);
    emit({ type: 'progress', phase, step, totalSteps });
  };

  progress('read and clean', 0, 1);
  const { documents, cleaning } = readDocuments(context);
  const split = splitDocuments(documents, config.split, config.seed);
  const kinds = config.pool.kinds;
  const classes = answerClasses([split.train, split.test], kinds, config.pool.speakers);

  progress('train tokenizer', 0, 1);
  await trainTokenizer(
    trainBpe ?? (await addonTrainer()),
    split.train.map((document) => document.text),
    folder('data/tokenizer'),
    {
      vocabSize: config.tokenizer.vocab_size,
      minFrequency: config.tokenizer.min_frequency,
      threads: config.threads ?? availableParallelism(),
      maxLength: config.sequence_length,
    },
  );
  const tokenizer = Tokenizer.open(folder('data/tokenizer'));
  addOutput('tokenizer', folder('data/tokenizer'));

  const ids = {} as Record<SplitName, Int32Array[]>;
  const stores = {} as Record<SplitName, TokenStoreMeta>;
  mkdirSync(folder('text'));
  for (const name of SPLITS) {
    const texts = split[name].map((document) => document.text);
    ids[name] = await tokenizeDocuments(tokenizer, texts, (done) =>
      progress(`tokenize ${name}`, done, texts.length),
    );
    const conversations = name === 'train' ? await continuedPassages(config, split.train, tokenizer) : [];
    stores[name] = writeTokenStore(join(folder('data'), name), [...ids[name], ...conversations], {
      tokenizerSha256: tokenizer.sha256,
      vocabSize: tokenizer.vocabSize,
      padId: tokenizer.padId,
      length: config.sequence_length,
    });
    writeJsonLines(folder(`text/${name}.jsonl`), split[name]);
    addOutput(name, folder(`text/${name}.jsonl`));
  }
  addOutput('data', folder('data'));
  const unigram = {
    validation: unigramLoss(ids.train, ids.validation, tokenizer.vocabSize),
    test: unigramLoss(ids.train, ids.test, tokenizer.vocabSize),
  };

  progress('ask questions', 0, 2);
  const asked = { kinds, classes, words: config.pool.passage_words };
  const clean = makeQuestions(split.train, {
    ...asked,
    count: Math.round(config.pool.rows * (1 - config.pool.dirty_share)),
    seed: config.seed,
  });
  const pool = buildPool(clean, {
    dirtyShare: config.pool.dirty_share,
    defects: config.pool.defects,
    seed: config.seed,
  });
  progress('ask questions', 1, 2);
  const questions = makeQuestions(split.test, {
    ...asked,
    count: config.questions.rows,
    seed: config.seed + 1,
  });
  if (clean.length === 0 || questions.length === 0) {
    throw new SluiceError('data.empty', 'no question could be made from the documents', {
      where: 'pool.passage_words',
      hint: `the documents have no passage of ${config.pool.passage_words.join(' to ')} words that starts a sentence`,
    });
  }
  if (pool.rows.length < config.pool.rows) {
    context.log(
      'warning',
      `the pool has ${pool.rows.length} rows, not ${config.pool.rows}: passages ran out`,
    );
  }
  writeJsonLines(folder('pool.jsonl'), pool.rows);
  writeJsonLines(folder('truth.jsonl'), pool.truth);
  writeJsonLines(folder('questions.jsonl'), questionRows(questions));
  for (const name of ['pool', 'truth', 'questions']) addOutput(name, folder(`${name}.jsonl`));

  const meta = {
    documents: count(SPLITS, (name) => split[name].length),
    tokens: count(SPLITS, (name) => stores[name].tokens),
    rows: count(SPLITS, (name) => stores[name].rows),
    cleaning,
    tokenizer: { sha256: tokenizer.sha256, tokens: tokenizer.vocabSize },
    unigram_loss: unigram,
    pool: { rows: pool.rows.length, ...defectCounts(pool.truth) },
    questions: {
      rows: questions.length,
      kinds: count(kinds, (kind) => questions.filter((question) => question.kind === kind).length),
      majority_baseline: majorityBaseline(questions),
    },
  };
  writeFileSync(folder('meta.json'), `${JSON.stringify(meta, null, 1)}\n`);
  addOutput('meta', folder('meta.json'));
  addFact('prepare', meta);
  emitTables(context, meta, stores, split);
  progress('done', 1, 1);
}

/** Tokens of training passages told as conversations: they stand among the documents that pretraining reads. */
async function continuedPassages(
  config: PrepareConfig,
  documents: readonly SourceDocument[],
  tokenizer: Tokenizer,
): Promise<Int32Array[]> {
  const { share, passage_words: words } = config.conversations;
  const chats = await encodeChats(tokenizer, continuations(documents, { share, words, seed: config.seed }));
  return chats.map(({ ids }) => ids);
}

function readDocuments(context: StageContext<PrepareConfig>) {
  const { source } = context.config;
  const cleaning: CleaningCounts = { controls: 0, marks: 0, quotes: 0 };
  let documents: SourceDocument[];
  if (source.name === 'sotu') {
    context.addInput('source', sotuFolder());
    documents = sotuAddresses();
  } else {
    if (source.path === null) {
      throw new SluiceError('config.missing_value', 'source.path is needed with source.name=files', {
        where: 'source.path',
        hint: 'source.path=texts.jsonl, or a folder of .jsonl and .txt files',
      });
    }
    const path = context.resolvePath(source.path);
    context.addInput('source', path);
    documents = [...readTexts(path, source.mapping)].map(({ where: _, ...document }) => document);
  }
  documents = documents
    .map((document) => ({ ...document, text: cleanText(document.text, cleaning) }))
    .filter((document) => document.text !== '');
  return { documents, cleaning };
}

async function addonTrainer(): Promise<TrainBpe> {
  const { openEngine } = await import('../src/engine/index.js');
  const { addon } = await openEngine();
  return addon.trainBpe as TrainBpe;
}

function* questionRows(questions: readonly Question[]): Generator<object> {
  for (const [i, question] of questions.entries()) {
    yield {
      dataset: question.kind,
      id: `question-${String(i).padStart(5, '0')}`,
      messages: [prompt(question)],
      answer: question.answer,
      choices: question.choices,
      document: question.document,
    };
  }
}

function defectCounts(truth: readonly TruthRow[]) {
  const names = [...new Set(truth.map((row) => row.defect))].filter((name) => name !== null).sort();
  return {
    clean: truth.filter((row) => row.quality === 1).length,
    defects: count(names, (name) => truth.filter((row) => row.defect === name).length),
  };
}

function count<Name extends string>(
  names: readonly Name[],
  value: (name: Name) => number,
): Record<Name, number> {
  return Object.fromEntries(names.map((name) => [name, value(name)])) as Record<Name, number>;
}

function emitTables(
  context: StageContext<PrepareConfig>,
  meta: {
    pool: { rows: number; clean: number; defects: Record<string, number> };
    questions: { rows: number; kinds: Record<string, number>; majority_baseline: number };
    unigram_loss: { validation: number; test: number };
  },
  stores: Record<SplitName, TokenStoreMeta>,
  split: Split<SourceDocument>,
): void {
  context.emit({
    type: 'table',
    title: 'Text',
    columns: ['split', 'documents', 'characters', 'tokens', 'rows', 'filled', 'unigram loss'],
    rows: SPLITS.map((name) => [
      name,
      stores[name].documents,
      split[name].reduce((sum, document) => sum + document.text.length, 0),
      stores[name].tokens,
      stores[name].rows,
      `${((100 * stores[name].tokens) / (stores[name].rows * stores[name].length)).toFixed(1)} %`,
      name === 'train' ? '' : meta.unigram_loss[name].toFixed(3),
    ]),
  });
  const { pool, questions } = meta;
  context.emit({
    type: 'table',
    title: 'Instructions',
    columns: ['part', 'rows', 'share'],
    rows: [
      ['pool', pool.rows, ''],
      ['clean', pool.clean, percent(pool.clean, pool.rows)],
      ...Object.entries(pool.defects).map(([name, rows]) => [
        `defect: ${name}`,
        rows,
        percent(rows, pool.rows),
      ]),
      ['test questions', questions.rows, ''],
      ...Object.entries(questions.kinds).map(([kind, rows]) => [
        `about: ${kind}`,
        rows,
        percent(rows, questions.rows),
      ]),
      [
        'right by always guessing the most frequent answer',
        '',
        `${(100 * questions.majority_baseline).toFixed(1)} %`,
      ],
    ],
  });
}

function percent(part: number, whole: number): string {
  return `${((100 * part) / whole).toFixed(1)} %`;
}
