import { join } from 'node:path';
import { jsonLines } from './metrics.js';
import type { RunRecord } from './run-record.js';

/** Questions shown of each kind, right and wrong; the rest of the file is only counted. */
const QUESTIONS = 4;
/** Continuations shown of one run of `generate`. */
const CONTINUATIONS = 12;

/** What a model said, in the sizes a page can show. */
export interface Samples {
  answers: AnswerSamples | null;
  /** Of `generate`. */
  continuations: { prompt: string | null; text: string }[];
  /** How many there are in all. */
  continued: number;
}

/** What the models of an evaluation answered to some of its questions. */
export interface AnswerSamples {
  /** In the order of the evaluation; `right` null where the file does not say. */
  models: { name: string; questions: number; right: number | null }[];
  /** Some that a model got right: the last of the models that got any right. */
  right: { model: string; questions: QuestionSample[] };
  /** Some that the last model got wrong; where the file does not say, some that it was asked. */
  wrong: { model: string; questions: QuestionSample[] };
}

export interface QuestionSample {
  dataset: string;
  id: string;
  messages: { role: string; content: string }[];
  expected: string;
  given: { model: string; text: string; correct: boolean | null }[];
}

/** The samples in a run folder; null where the run left none. */
export async function readSamples(directory: string, record: RunRecord): Promise<Samples | null> {
  const answers = await readAnswers(join(directory, 'answers.jsonl'));
  const { shown, count } = continuationsOf(record);
  return answers === null && count === 0 ? null : { answers, continuations: shown, continued: count };
}

/** Two passes: which questions to show is known when the last model's answers have been seen. */
async function readAnswers(path: string): Promise<AnswerSamples | null> {
  const models = new Map<string, { name: string; questions: number; right: number | null; picked: Picked }>();
  for await (const line of jsonLines(path)) {
    const { model, correct, dataset } = answerOf(line);
    const known = models.get(model) ?? { name: model, questions: 0, right: null, picked: new Picked() };
    models.set(model, known);
    known.questions += 1;
    if (correct !== null) known.right = (known.right ?? 0) + Number(correct);
    known.picked.offer(correct === true, dataset, keyOf(line));
  }
  const last = [...models.values()].at(-1);
  if (last === undefined) return null;
  const rightBy = [...models.values()].findLast((one) => one.right) ?? last;
  const [right, wrong] = [rightBy.picked.keys(true), last.picked.keys(false)];
  const samples = new Map<string, QuestionSample>();
  for await (const line of jsonLines(path)) {
    const key = keyOf(line);
    if (!right.includes(key) && !wrong.includes(key)) continue;
    const { model, run, dataset, correct, id, expected, text, messages } = answerOf(line);
    const sample = samples.get(key) ?? { dataset, id, messages, expected, given: [] };
    samples.set(key, sample);
    sample.given.push({ model: run === null ? model : `${model} ${run}`, text, correct });
  }
  return {
    models: [...models.values()].map(({ name, questions, right: count }) => ({
      name,
      questions,
      right: count,
    })),
    right: { model: rightBy.name, questions: right.map((key) => samples.get(key)!) },
    wrong: { model: last.name, questions: wrong.map((key) => samples.get(key)!) },
  };
}

/** The first few right and wrong answers of each dataset: enough to choose from, in whatever order the file is. */
class Picked {
  private readonly byDataset = { true: new Map<string, string[]>(), false: new Map<string, string[]>() };

  offer(right: boolean, dataset: string, key: string): void {
    const datasets = this.byDataset[`${right}`];
    const keys = datasets.get(dataset) ?? [];
    if (keys.length < QUESTIONS && !keys.includes(key)) keys.push(key); // runs of one model answer the same
    datasets.set(dataset, keys);
  }

  /** One of each dataset, then the second of each, and so on. */
  keys(right: boolean): string[] {
    const lists = [...this.byDataset[`${right}`].values()];
    const rounds = Array.from({ length: QUESTIONS }, (_, round) =>
      lists.flatMap((keys) => keys[round] ?? []),
    );
    return rounds.flat().slice(0, QUESTIONS);
  }
}

const keyOf = ({ dataset, id }: Record<string, unknown>) => JSON.stringify([dataset, id]);

function answerOf(line: Record<string, unknown>) {
  const messages = Array.isArray(line.messages) ? line.messages : [];
  return {
    model: String(line.model ?? ''),
    run: typeof line.run === 'number' ? line.run : null,
    dataset: String(line.dataset ?? ''),
    id: String(line.id ?? ''),
    correct: typeof line.correct === 'boolean' ? line.correct : null,
    expected: String(line.answer ?? ''),
    text: String(line.generated ?? ''),
    messages: messages.map((message: { role?: unknown; content?: unknown } | null) => ({
      role: String(message?.role ?? ''),
      content: String(message?.content ?? ''),
    })),
  };
}

/** The result of `generate`: `{text}` for the one prompt of the config, else `{results: [{prompt, text}]}`. */
function continuationsOf({ facts, config }: RunRecord): {
  shown: Samples['continuations'];
  count: number;
} {
  const { text, results } = (facts?.result ?? {}) as { text?: unknown; results?: unknown };
  if (typeof text === 'string') {
    const prompt = typeof config?.prompt === 'string' ? config.prompt : null;
    return { shown: [{ prompt, text }], count: 1 };
  }
  const list = (Array.isArray(results) ? results : []) as ({ prompt?: unknown; text?: unknown } | null)[];
  const texts = list.filter((one) => typeof one?.text === 'string');
  const shown = texts.slice(0, CONTINUATIONS).map((one) => ({
    prompt: typeof one!.prompt === 'string' ? one!.prompt : null,
    text: one!.text as string,
  }));
  return { shown, count: texts.length };
}
