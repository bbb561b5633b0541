import { exactMatch, meanWithError } from './exact-match.js';
import { bleu } from './metrics/bleu.js';
import { chrf } from './metrics/chrf.js';
import { ter } from './metrics/ter.js';
import type { AnsweredQuestion } from './questions.js';

/** Scores of a whole corpus of answers, with sacrebleu's settings unless said otherwise. */
const textMetrics = {
  bleu: (texts: string[], answers: string[]) => bleu(texts, [answers]).score,
  chrf: (texts: string[], answers: string[]) => chrf(texts, [answers]),
  'chrf++': (texts: string[], answers: string[]) => chrf(texts, [answers], { wordOrder: 2 }),
  ter: (texts: string[], answers: string[]) => ter(texts, [answers]),
} as const;

export type TextMetric = keyof typeof textMetrics;

export interface AnswerScores {
  /** Share of the answers that are right, with its standard error. */
  exactMatch: { mean: number; stderr: number };
  byDataset: Map<string, { mean: number; stderr: number }>;
  /** 0 to 100 (TER: 0 and up, less is better). */
  text: Map<TextMetric, number>;
}

export function scoreAnswers(
  answered: readonly AnsweredQuestion[],
  metrics: readonly TextMetric[],
): AnswerScores {
  const correct = (part: readonly AnsweredQuestion[]) =>
    meanWithError(part.map(({ generated, answer }) => exactMatch(generated, answer)));
  const byDataset = new Map<string, AnsweredQuestion[]>();
  for (const each of answered) byDataset.set(each.dataset, [...(byDataset.get(each.dataset) ?? []), each]);
  const generated = answered.map((each) => each.generated.trim());
  const answers = answered.map(({ answer }) => answer.trim());
  return {
    exactMatch: correct(answered),
    byDataset: new Map([...byDataset].map(([dataset, part]) => [dataset, correct(part)])),
    text: new Map(metrics.map((metric) => [metric, textMetrics[metric](generated, answers)])),
  };
}
