import type { AnswerLoss } from './answer-likelihood.js';
import { perToken } from './answer-likelihood.js';
import { type AnswerScores, rightAnswers } from './answer-scores.js';
import { compareRuns, type Difference, type Estimate, estimate } from './compare-runs.js';
import type { AnsweredQuestion } from './questions.js';
import type { TextScores } from './score-texts.js';

/** What one model, with or without an adapter, came to; null where that part was left out. */
export interface EvaluatedRun {
  text: TextScores | null;
  answered: AnsweredQuestion[] | null;
  losses: AnswerLoss[] | null;
}

/** All runs of one name: one model, or adapters of one recipe with several seeds. */
export interface Evaluation {
  name: string;
  runs: readonly EvaluatedRun[];
  scores: AnswerScores | null;
}

/** The lines of results.json. */
export function summaryOf({ name, runs, scores }: Evaluation) {
  const text = textOf(runs);
  const nll = answerLoss(runs);
  const alone = runs.map(({ text, answered, losses }) => ({
    ...(text && { perplexity: text.perplexity }),
    ...(answered && { exact_match: estimate([rightAnswers(answered)]).mean }),
    ...(losses && { answer_nll_per_token: estimate([perToken(losses)]).mean }),
  }));
  return {
    model: name,
    ...(text && {
      perplexity: Math.exp(text.nllPerToken),
      nll_per_token: text.nllPerToken,
      tokens: text.tokens,
    }),
    ...(scores && {
      exact_match: scores.exactMatch,
      exact_match_by_dataset: Object.fromEntries(scores.byDataset),
      ...Object.fromEntries(scores.text),
    }),
    ...(nll && { answer_nll_per_token: nll }),
    ...(runs.length > 1 && { runs: alone }),
  };
}

export function evaluationTable(evaluations: readonly Evaluation[]) {
  const datasets = [...(evaluations[0]?.scores?.byDataset.keys() ?? [])];
  const metrics = [...(evaluations[0]?.scores?.text.keys() ?? [])];
  const several = evaluations.some(({ runs }) => runs.length > 1);
  return {
    type: 'table' as const,
    title: 'Evaluation',
    columns: [
      'model',
      ...(several ? ['runs'] : []),
      ...['perplexity', 'exact match', 'answer loss', ...metrics, ...datasets],
    ],
    rows: evaluations.map(({ name, runs, scores }) => {
      const text = textOf(runs);
      const nll = answerLoss(runs);
      return [
        name,
        ...(several ? [runs.length] : []),
        text === null ? '' : Math.exp(text.nllPerToken).toFixed(2),
        scores === null ? '' : percent(scores.exactMatch),
        nll === null ? '' : `${nll.mean.toFixed(3)} ± ${nll.stderr.toFixed(3)}`,
        ...metrics.map((metric) => scores!.text.get(metric)!.toFixed(2)),
        ...datasets.map((dataset) => percent(scores!.byDataset.get(dataset)!)),
      ];
    }),
  };
}

/** One measure of one name beside the same of the name that it is compared with. */
export interface Compared extends Difference {
  model: string;
  with: string;
  measure: 'exact_match' | 'answer_nll_per_token';
  confidence: number;
}

/** Every other adapter beside the one named `baseline`: exact match, and the loss of the right answers. */
export function comparison(
  evaluations: readonly Evaluation[],
  baseline: string,
  confidence: number,
): Compared[] {
  const base = evaluations.find(({ name }) => name === baseline)!;
  return evaluations
    .filter(({ name, runs }) => name !== baseline && name !== 'base' && runs[0]!.answered !== null)
    .flatMap(({ name, runs }) =>
      (['exact_match', 'answer_nll_per_token'] as const).map((measure) => ({
        model: name,
        with: baseline,
        measure,
        confidence,
        ...compareRuns(valuesOf(runs, measure), valuesOf(base.runs, measure), confidence),
      })),
    );
}

export function comparisonTable(compared: readonly Compared[]) {
  const { with: baseline, confidence } = compared[0]!;
  return {
    type: 'table' as const,
    title: `Compared with ${baseline}`,
    columns: ['model', 'measure', 'difference', `${100 * confidence} % interval`, `than ${baseline}`],
    rows: compared.map(({ model, measure, mean, low, high }) => {
      const match = measure === 'exact_match';
      const show = (value: number) =>
        `${value < 0 ? '-' : '+'}${Math.abs(match ? 100 * value : value).toFixed(match ? 1 : 3)}`;
      return [
        model,
        match ? 'exact match, points' : 'answer loss, nats a token',
        show(mean),
        `${show(low)} to ${show(high)}`,
        verdict(match ? low : -high, match ? high : -low),
      ];
    }),
  };
}

/** What an interval of a gain says. */
function verdict(low: number, high: number): string {
  if (low > 0) return 'better';
  return high < 0 ? 'worse' : 'not told apart';
}

function valuesOf(runs: readonly EvaluatedRun[], measure: Compared['measure']): number[][] {
  return runs.map(({ answered, losses }) =>
    measure === 'exact_match' ? rightAnswers(answered!) : perToken(losses!),
  );
}

function answerLoss(runs: readonly EvaluatedRun[]): Estimate | null {
  return runs[0]!.losses === null ? null : estimate(runs.map(({ losses }) => perToken(losses!)));
}

/** Nats a token over all texts, mean over the runs; each read the same tokens. */
function textOf(runs: readonly EvaluatedRun[]): { nllPerToken: number; tokens: number } | null {
  const texts = runs.flatMap(({ text }) => text ?? []);
  if (texts.length === 0) return null;
  const { tokens } = texts[0]!;
  const nll = texts.reduce((sum, text) => sum + text.nll, 0) / texts.length;
  return { nllPerToken: nll / tokens, tokens };
}

const percent = ({ mean, stderr }: Estimate) => `${(100 * mean).toFixed(1)} ± ${(100 * stderr).toFixed(1)} %`;
