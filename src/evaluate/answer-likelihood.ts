import { Scorer } from '../infer/index.js';
import { encodeChats } from '../text/index.js';
import type { GenerativeQuestion } from './questions.js';
import type { EvaluatedModel } from './score-texts.js';

/** Of one right answer: nats over its tokens, the end of the turn included, given the question. */
export interface AnswerLoss {
  nll: number;
  tokens: number;
}

/** How well the model foresees each question's right answer, in the order of the questions; nothing is generated. */
export async function scoreRightAnswers(
  evaluated: EvaluatedModel,
  questions: readonly GenerativeQuestion[],
  onProgress: (done: number, total: number) => void,
): Promise<AnswerLoss[]> {
  const { model, adapter, tokenizer, session, threads, signal } = evaluated;
  const chats = await encodeChats(
    tokenizer,
    questions.map(({ messages, answer }) => [...messages, { role: 'assistant', content: answer }]),
  );
  const scores = await new Scorer(model, session, { threads, adapter }).score(
    chats.map(({ ids }) => [...ids]),
    { signal, onProgress: (done) => onProgress(done, chats.length) },
  );
  return chats.map(({ answer }, i) => {
    const losses = scores[i]!.nll.filter((_, before) => answer[before + 1] === 1);
    return { nll: losses.reduce((sum, loss) => sum + loss, 0), tokens: losses.length };
  });
}

/** Each question's part of the mean loss per token: their mean is Σ nll / Σ tokens. */
export function perToken(losses: readonly AnswerLoss[]): number[] {
  const meanTokens = losses.reduce((sum, { tokens }) => sum + tokens, 0) / losses.length;
  return losses.map(({ nll }) => nll / meanTokens);
}
