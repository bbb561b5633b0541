import { SluiceError } from '../errors.js';

/**
 * Indices of the rows to keep, best first: floor(rows × share) of the highest scores, the earlier row first among
 * equals. A share that keeps nothing is an error, not an empty file.
 */
export function keepBest(scores: ArrayLike<number>, share: number): number[] {
  if (!(share > 0 && share <= 1)) {
    throw new SluiceError(
      'config.selection_percentage',
      `selection_percentage=${share} must be over 0 and at most 1`,
      {
        hint: 'it is a share of the rows: 0.05 keeps the best 5 %',
      },
    );
  }
  const count = Math.floor(scores.length * share);
  if (count === 0) {
    throw new SluiceError(
      'data.nothing_selected',
      `selection_percentage=${share} of ${scores.length} rows keeps none (it rounds down)`,
      { hint: `use at least ${(1 / scores.length).toPrecision(3)}, or a larger pool` },
    );
  }
  return bestFirst(
    scores,
    Array.from({ length: scores.length }, (_, i) => i),
  ).slice(0, count);
}

/** These rows by falling score, the earlier row first among equals. */
export function bestFirst(scores: ArrayLike<number>, rows: readonly number[]): number[] {
  return rows.toSorted((a, b) => scores[b]! - scores[a]! || a - b);
}
