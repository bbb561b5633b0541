import { readInstructions } from '../data/index.js';
import { readRows } from '../data/readers/rows.js';
import { SluiceError } from '../errors.js';
import { Generator } from '../infer/index.js';
import { encodePrompts, type Message } from '../text/index.js';
import type { EvaluatedModel } from './score-texts.js';

/** A question that is answered by generating. */
export interface GenerativeQuestion {
  dataset: string;
  id: string;
  messages: Message[];
  answer: string;
}

/** Reads JSONL of {id, dataset, messages, answer}. Throws `data.no_answer` naming the row, or what reading throws. */
export function readQuestions(path: string): GenerativeQuestion[] {
  const answers = [...readRows(path)].map(({ values, where }) => {
    if (typeof values.answer === 'string' && values.answer.trim() !== '') return values.answer;
    throw new SluiceError('data.no_answer', 'a question needs a text column "answer"', { where });
  });
  return [...readInstructions(path)].map(({ dataset, id, messages }, i) => ({
    dataset,
    id,
    messages,
    answer: answers[i]!,
  }));
}

/** A question with the text that was generated for it. */
export interface AnsweredQuestion extends GenerativeQuestion {
  generated: string;
}

/** Greedy answers, in the order of the questions. Batches are of prompts of like length. `stopIds` end an answer. */
export async function answerQuestions(
  evaluated: EvaluatedModel,
  questions: readonly GenerativeQuestion[],
  options: { max_new_tokens: number; batch_size: number; stopIds: readonly number[] },
  onProgress: (done: number, total: number) => void,
): Promise<AnsweredQuestion[]> {
  const { model, adapter, tokenizer, session, threads, signal } = evaluated;
  const prompts = await encodePrompts(
    tokenizer,
    questions.map(({ messages }) => messages),
  );
  const order = questions.map((_, i) => i).sort((a, b) => prompts[a]!.length - prompts[b]!.length || a - b);
  const generator = new Generator(model, session, { threads, adapter });
  const answered = new Array<AnsweredQuestion>(questions.length);
  for (let first = 0; first < order.length; first += options.batch_size) {
    const batch = order.slice(first, first + options.batch_size);
    const { ids } = await generator.generate(
      batch.map((i) => [...prompts[i]!]),
      { maxNewTokens: options.max_new_tokens, temperature: 0, stopIds: [...options.stopIds], signal },
    );
    for (const [row, i] of batch.entries()) {
      answered[i] = { ...questions[i]!, generated: await tokenizer.decode(ids[row]!) };
    }
    onProgress(first + batch.length, order.length);
  }
  generator.close();
  return answered;
}
