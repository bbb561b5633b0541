import { studentT } from './student-t.js';

/** Values of one measure: `[run][question]`; every run answered the same questions. */
export type RunValues = readonly (readonly number[])[];

export interface Estimate {
  mean: number;
  /** Of runs and of questions: what other seeds and other questions would change. */
  stderr: number;
}

export interface Difference extends Estimate {
  /** The interval that covers the true difference with the wanted confidence. */
  low: number;
  high: number;
  /** Degrees of freedom of the interval: few where there are few runs. */
  freedom: number;
}

/** Mean over runs and questions. With one run what seeds change is not known, and left out. */
export function estimate(runs: RunValues): Estimate {
  const parts = [variance(overRuns(runs)), ...spreadOfRuns(runs)];
  return { mean: mean(runs.map(mean)), stderr: Math.sqrt(total(parts)) };
}

/**
 * How much higher `runs` are than `others`, question by question. Questions are paired, as both answered the same; runs
 * are not, as their seeds have nothing to do with each other. The variance of the difference is
 *
 *     var over questions of (mean over runs - mean over others) / questions + var of run means / runs, of either side
 *
 * and the interval Student's with the degrees of freedom of Welch and Satterthwaite (Satterthwaite, "An Approximate
 * Distribution of Estimates of Variance Components", 1946); the pairing is Miller's ("Adding Error Bars to Evals", 2024).
 */
export function compareRuns(runs: RunValues, others: RunValues, confidence: number): Difference {
  const [ours, theirs] = [overRuns(runs), overRuns(others)];
  const paired = variance(ours.map((value, question) => value - theirs[question]!));
  const parts = [paired, ...spreadOfRuns(runs), ...spreadOfRuns(others)];
  const squared = total(parts);
  const stderr = Math.sqrt(squared);
  const weight = total(parts.map(({ value, freedom }) => ({ value: value ** 2 / freedom })));
  const freedom = weight === 0 ? Number.POSITIVE_INFINITY : squared ** 2 / weight;
  const difference = mean(ours) - mean(theirs);
  const reach = stderr === 0 ? 0 : studentT(confidence, freedom) * stderr;
  return { mean: difference, stderr, low: difference - reach, high: difference + reach, freedom };
}

/** The variance of a mean, and the degrees of freedom that it is known with. */
interface Part {
  value: number;
  freedom: number;
}

/** Of the mean of `values`: sample variance / number. */
function variance(values: readonly number[]): Part {
  const middle = mean(values);
  const freedom = Math.max(1, values.length - 1);
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  return { value: squares / freedom / values.length, freedom };
}

const spreadOfRuns = (runs: RunValues): Part[] => (runs.length < 2 ? [] : [variance(runs.map(mean))]);

/** Each question's mean over the runs. */
function overRuns(runs: RunValues): number[] {
  return runs[0]!.map((_, question) => mean(runs.map((values) => values[question]!)));
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

const total = (parts: readonly Pick<Part, 'value'>[]) => parts.reduce((sum, { value }) => sum + value, 0);
