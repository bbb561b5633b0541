/**
 * The candidates closest to a mistyped word, best first, at most three: by edit distance (a swap of neighbours counts one),
 * accepted up to a third of the longer word's length, or when one is the beginning of the other.
 */
export function nearest(word: string, candidates: Iterable<string>): string[] {
  const scored: [number, string][] = [];
  for (const candidate of new Set(candidates)) {
    const longer = Math.max(word.length, candidate.length);
    const shorter = Math.min(word.length, candidate.length);
    const prefix = shorter >= 3 && (candidate.startsWith(word) || word.startsWith(candidate));
    const limit = Math.max(1, Math.floor(longer / 3));
    if (longer - shorter > limit && !prefix) continue;
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance <= limit && distance < longer) scored.push([distance, candidate]);
    else if (prefix) scored.push([limit + 1, candidate]);
  }
  scored.sort(([a, left], [b, right]) => a - b || (left < right ? -1 : 1));
  return scored.slice(0, 3).map(([, candidate]) => candidate);
}

/** Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, beforeLast[j - 2]! + 1);
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
