import { type Estimate, estimate } from './compare-runs.js';
import { exactMatch } from './exact-match.js';
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
  /** Share of the answers that are right, over all runs. */
  exactMatch: Estimate;
  byDataset: Map<string, Estimate>;
  /** 0 to 100 (TER: 0 and up, less is better); mean over the runs. */
  text: Map<TextMetric, number>;
}

/** Scores of one model, or of several runs of one recipe that answered the same questions. */
export function scoreAnswers(
  runs: readonly (readonly AnsweredQuestion[])[],
  metrics: readonly TextMetric[],
): AnswerScores {
  const correct = runs.map(rightAnswers);
  const ofDataset = new Map<string, number[]>();
  runs[0]!.forEach(({ dataset }, i) => {
    ofDataset.set(dataset, [...(ofDataset.get(dataset) ?? []), i]);
  });
  const textScore = (metric: TextMetric) => {
    const scores = runs.map((answered) =>
      textMetrics[metric](
        answered.map(({ generated }) => generated.trim()),
        answered.map(({ answer }) => answer.trim()),
      ),
    );
    return scores.reduce((sum, score) => sum + score, 0) / scores.length;
  };
  return {
    exactMatch: estimate(correct),
    byDataset: new Map(
      [...ofDataset].map(([dataset, questions]) => [
        dataset,
        estimate(correct.map((values) => questions.map((i) => values[i]!))),
      ]),
    ),
    text: new Map(metrics.map((metric) => [metric, textScore(metric)])),
  };
}

/** 1 for each right answer, else 0. */
export const rightAnswers = (answered: readonly AnsweredQuestion[]): number[] =>
  answered.map(({ generated, answer }) => exactMatch(generated, answer));
