import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { copyTokenizer } from '../src/checkpoint/copy-tokenizer.js';
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
  writeTokenStoreStandIn,
} from '../src/data/index.js';
import { SluiceError } from '../src/errors.js';
import type { StageContext, StageDefinition } from '../src/runner/stage.js';
import { encodeChats, type Message, Tokenizer, type TrainBpe, trainTokenizer } from '../src/text/index.js';

/** configs/prepare.schema.json describes each key. */
export interface PrepareConfig {
  source: { name: 'sotu' | 'files'; path: string | null; mapping: ColumnMapping };
  split: { validation: number; test: number };
  tokenizer: { path: string | null; vocab_size: number; min_frequency: number };
  sequence_length: number;
  conversations: { share: number; passage_words: [number, number] };
  /** null: neither a pool nor questions. */
  pool: {
    rows: number;
    dirty_share: number;
    kinds: QuestionKind[];
    speakers: number;
    passage_words: [number, number];
    defects: Partial<Record<DefectName, number>>;
  } | null;
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
  plan: (context) => plan(context),
};

/** Characters that a plan trains its tokenizer on: enough to tell tokens from characters. */
const sampleCharacters = 500_000;

/**
 * What there is to say before the text is tokenized, and stand-ins for all that is made: instructions as they will be,
 * a tokenizer of the size wanted but trained on a sample, and tokens of none but about the right number.
 */
async function plan(context: StageContext<PrepareConfig>): Promise<string> {
  const { config, runDirectory, addOutput } = context;
  const folder = (name: string) => join(runDirectory, name);
  const { documents } = readDocuments(context);
  const split = splitDocuments(documents, config.split, config.seed);
  const instructions = askQuestions(config, split);
  if (instructions !== null) writeInstructions(context, instructions);
  const told = continuationsOf(config, split.train);
  writeConversations(context, told);

  const sample = sampleOf(split.train.map((document) => document.text));
  const tokenizer = await makeTokenizer(context, async (to) =>
    trainTokenizer(filledUp(await addonTrainer()), sample, to, {
      ...tokenizerTraining(config),
      minFrequency: 1,
    }),
  );
  const [ids] = await tokenizeDocuments(tokenizer, [sample.join('\n')], () => {});
  const tokensPerCharacter = ids!.length / charactersOf(sample);
  const about = (text: string) => Math.ceil(text.length * tokensPerCharacter) + 2; // with its first and last token
  mkdirSync(folder('text'));
  const lines: string[] = [];
  for (const name of SPLITS) {
    const texts = split[name].map((document) => document.text);
    const chats = (name === 'train' ? told : []).map((messages) =>
      messages.map(({ content }) => content).join('\n'),
    );
    const lengths = [...texts, ...chats].map(about);
    const { tokens, rows } = writeTokenStoreStandIn(
      join(folder('data'), name),
      lengths,
      storeKeys(config, tokenizer),
    );
    writeJsonLines(folder(`text/${name}.jsonl`), split[name]);
    addOutput(name, folder(`text/${name}.jsonl`));
    lines.push(
      `${name}: ${texts.length} documents, about ${tokens} tokens in ${rows} rows of ${config.sequence_length}`,
    );
  }
  addOutput('tokenizer', folder('data/tokenizer'));
  addOutput('data', folder('data'));
  if (instructions !== null)
    lines.push(`pool: ${instructions.pool.rows.length} rows, questions: ${instructions.questions.length}`);
  return lines.join('\n');
}

/** Texts from all over, whole ones, of about {@link sampleCharacters} in all. */
function sampleOf(texts: readonly string[]): string[] {
  const every = Math.max(1, Math.floor(charactersOf(texts) / sampleCharacters));
  return texts.filter((_, i) => i % every === 0);
}

const charactersOf = (texts: readonly string[]) => texts.reduce((sum, text) => sum + text.length, 0);

/** A trainer whose vocabulary is as large as asked for, where a sample has too few pairs to merge. */
const filledUp =
  (train: TrainBpe): TrainBpe =>
  async (options, texts) => {
    const { vocab, merges } = await train(options, texts);
    const missing = Array.from({ length: options.vocabSize - vocab.length }, (_, i) => `<|not seen ${i}|>`);
    return { vocab: [...vocab, ...missing], merges };
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

  // Before what takes long: documents that nothing can be asked about end the run.
  if (config.pool !== null) progress('ask questions', 0, 1);
  const instructions = askQuestions(config, split);
  if (instructions !== null && instructions.pool.rows.length < config.pool!.rows) {
    context.log(
      'warning',
      `the pool has ${instructions.pool.rows.length} rows, not ${config.pool!.rows}: passages ran out`,
    );
  }
  if (instructions !== null) writeInstructions(context, instructions);

  progress(config.tokenizer.path === null ? 'train tokenizer' : 'copy tokenizer', 0, 1);
  const tokenizer = await makeTokenizer(context, async (to) =>
    trainTokenizer(
      trainBpe ?? (await addonTrainer()),
      split.train.map((document) => document.text),
      to,
      tokenizerTraining(config),
    ),
  );
  addOutput('tokenizer', folder('data/tokenizer'));

  const told = continuationsOf(config, split.train);
  writeConversations(context, told);
  const ids = {} as Record<SplitName, Int32Array[]>;
  const stores = {} as Record<SplitName, TokenStoreMeta>;
  mkdirSync(folder('text'));
  for (const name of SPLITS) {
    const texts = split[name].map((document) => document.text);
    ids[name] = await tokenizeDocuments(tokenizer, texts, (done) =>
      progress(`tokenize ${name}`, done, texts.length),
    );
    const conversations = name === 'train' && told.length > 0 ? await encodeChats(tokenizer, told) : [];
    stores[name] = writeTokenStore(
      join(folder('data'), name),
      [...ids[name], ...conversations.map((chat) => chat.ids)],
      storeKeys(config, tokenizer),
    );
    writeJsonLines(folder(`text/${name}.jsonl`), split[name]);
    addOutput(name, folder(`text/${name}.jsonl`));
  }
  addOutput('data', folder('data'));
  const unigram = {
    validation: unigramLoss(ids.train, ids.validation, tokenizer.vocabSize),
    test: unigramLoss(ids.train, ids.test, tokenizer.vocabSize),
  };

  const meta = {
    documents: count(SPLITS, (name) => split[name].length),
    tokens: count(SPLITS, (name) => stores[name].tokens),
    rows: count(SPLITS, (name) => stores[name].rows),
    cleaning,
    tokenizer: { sha256: tokenizer.sha256, tokens: tokenizer.vocabSize },
    unigram_loss: unigram,
    ...(instructions !== null && countInstructions(instructions)),
  };
  writeFileSync(folder('meta.json'), `${JSON.stringify(meta, null, 1)}\n`);
  addOutput('meta', folder('meta.json'));
  addFact('prepare', meta);
  emitTables(context, meta, stores, split);
  progress('done', 1, 1);
}

/** Instructions made from documents. */
interface Instructions {
  pool: ReturnType<typeof buildPool>;
  questions: Question[];
  kinds: readonly QuestionKind[];
}

/**
 * The pool, part of it spoilt, and the questions of the test; null where none are wanted. Throws SluiceError `data.empty`
 * where none can be made.
 */
function askQuestions(config: PrepareConfig, split: Split<SourceDocument>): Instructions | null {
  if (config.pool === null) return null;
  const { kinds, speakers, passage_words, rows, dirty_share, defects } = config.pool;
  const classes = answerClasses([split.train, split.test], kinds, speakers);
  const asked = { kinds, classes, words: passage_words };
  const clean = makeQuestions(split.train, {
    ...asked,
    count: Math.round(rows * (1 - dirty_share)),
    seed: config.seed,
  });
  const pool = buildPool(clean, { dirtyShare: dirty_share, defects, seed: config.seed });
  const questions = makeQuestions(split.test, {
    ...asked,
    count: config.questions.rows,
    seed: config.seed + 1,
  });
  if (clean.length === 0 || questions.length === 0) {
    throw new SluiceError('data.empty', 'no question could be made from the documents', {
      where: 'pool.passage_words',
      hint: `the documents have no passage of ${passage_words.join(' to ')} words that starts a sentence; pool=null makes no questions`,
    });
  }
  return { pool, questions, kinds };
}

function writeInstructions(
  { runDirectory, addOutput }: StageContext<PrepareConfig>,
  { pool, questions }: Instructions,
): void {
  const file = (name: string) => join(runDirectory, `${name}.jsonl`);
  writeJsonLines(file('pool'), pool.rows);
  writeJsonLines(file('truth'), pool.truth);
  writeJsonLines(file('questions'), questionRows(questions));
  for (const name of ['pool', 'truth', 'questions']) addOutput(name, file(name));
}

/** What pretraining reads told as conversations, as instruction rows: text known to be good, for a selector to learn from. */
function writeConversations(
  { runDirectory, addOutput }: StageContext<PrepareConfig>,
  told: readonly Message[][],
): void {
  if (told.length === 0) return;
  const path = join(runDirectory, 'conversations.jsonl');
  const rows = told.map((messages, i) => ({ dataset: 'continuation', id: rowName('told', i), messages }));
  writeJsonLines(path, rows);
  addOutput('conversations', path);
}

/**
 * The tokenizer that the data is made with, in its folder of the run: trained there, or that of `tokenizer.path` as it is,
 * for a model to be trained further.
 */
async function makeTokenizer(
  { config, runDirectory, resolvePath, addInput }: StageContext<PrepareConfig>,
  train: (to: string) => Promise<unknown>,
): Promise<Tokenizer> {
  const to = join(runDirectory, 'data/tokenizer');
  if (config.tokenizer.path === null) await train(to);
  else {
    const from = resolvePath(config.tokenizer.path);
    addInput('tokenizer', from);
    copyTokenizer(from, to);
  }
  const tokenizer = Tokenizer.open(to);
  if (tokenizer.chatTemplate === null && config.conversations.share > 0)
    throw new SluiceError(
      'config.conversations',
      'the tokenizer has no chat template to tell conversations by',
      {
        where: `tokenizer.path=${config.tokenizer.path}`,
        hint: 'conversations.share=0, or put chat_template.jinja beside its tokenizer.json',
      },
    );
  return tokenizer;
}

const tokenizerTraining = ({ tokenizer, threads, sequence_length }: PrepareConfig) => ({
  vocabSize: tokenizer.vocab_size,
  minFrequency: tokenizer.min_frequency,
  threads: threads ?? availableParallelism(),
  maxLength: sequence_length,
});

const storeKeys = ({ sequence_length }: PrepareConfig, { sha256, vocabSize, padId }: Tokenizer) => ({
  tokenizerSha256: sha256,
  vocabSize,
  padId,
  length: sequence_length,
});

/** Training passages told as conversations: they stand among the documents that pretraining reads. */
function continuationsOf({ conversations, seed }: PrepareConfig, documents: readonly SourceDocument[]) {
  const { share, passage_words: words } = conversations;
  return continuations(documents, { share, words, seed });
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

const rowName = (kind: string, index: number) => `${kind}-${String(index).padStart(5, '0')}`;

function* questionRows(questions: readonly Question[]): Generator<object> {
  for (const [i, question] of questions.entries()) {
    yield {
      dataset: question.kind,
      id: rowName('question', i),
      messages: [prompt(question)],
      answer: question.answer,
      choices: question.choices,
      document: question.document,
    };
  }
}

const countInstructions = ({ pool, questions, kinds }: Instructions) => ({
  pool: { rows: pool.rows.length, ...defectCounts(pool.truth) },
  questions: {
    rows: questions.length,
    kinds: count(kinds, (kind) => questions.filter((question) => question.kind === kind).length),
    majority_baseline: majorityBaseline(questions),
  },
});

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
  meta: Partial<ReturnType<typeof countInstructions>> & {
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
  if (pool === undefined || questions === undefined) return;
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
