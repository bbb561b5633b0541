/**
 * Spearman's rank correlation of two lists of numbers, -1 to 1: Pearson's correlation of their ranks, equal values sharing
 * the mean of theirs. null for fewer than three pairs, or where one list does not vary.
 */
export function rankCorrelation(left: number[], right: number[]): number | null {
  if (left.length < 3) return null;
  const [a, b] = [ranks(left), ranks(right)];
  const mean = (left.length + 1) / 2;
  let [product, squareA, squareB] = [0, 0, 0];
  a.forEach((rank, index) => {
    product += (rank - mean) * (b[index]! - mean);
    squareA += (rank - mean) ** 2;
    squareB += (b[index]! - mean) ** 2;
  });
  return squareA === 0 || squareB === 0 ? null : product / Math.sqrt(squareA * squareB);
}

/** 1 for the lowest; of equal values the mean of the places they take. */
function ranks(values: number[]): number[] {
  const sorted = values.toSorted((left, right) => left - right);
  return values.map((value) => (sorted.indexOf(value) + sorted.lastIndexOf(value)) / 2 + 1);
}
