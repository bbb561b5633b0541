import { countNgrams, overlap, splitWords } from './words.js';

export interface ChrfOptions {
  /** Longest character n-gram. Default 6. */
  charOrder?: number;
  /** Longest word n-gram: 0 for chrF (default), 2 for chrF++. */
  wordOrder?: number;
  /** Weight of recall. Default 2. */
  beta?: number;
  lowercase?: boolean;
  /** Keep white space in character n-grams. */
  whitespace?: boolean;
}

/** N-grams of the hypothesis, of the reference, and in both. */
type Statistics = readonly [hypothesis: number, reference: number, both: number];

const punctuation = new Set('!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~');

/**
 * chrF and chrF++ of a corpus (Popović 2015, 2017) as sacrebleu 2.6 computes them, 0 to 100: mean precision and recall over
 * the n-gram orders that both sides have; of several references the one with the best score counts.
 * `references[k][i]` is reference k of hypothesis i; null where hypothesis i has fewer.
 */
export function chrf(
  hypotheses: readonly string[],
  references: readonly (readonly (string | null)[])[],
  options: ChrfOptions = {},
): number {
  const { charOrder = 6, wordOrder = 0, beta = 2, lowercase = false } = options;
  const counters = (text: string) =>
    ngramCounters(lowercase ? text.toLowerCase() : text, { ...options, charOrder, wordOrder });
  const totals = Array.from({ length: charOrder + wordOrder }, (): [number, number, number] => [0, 0, 0]);
  hypotheses.forEach((hypothesis, i) => {
    const own = counters(hypothesis);
    const candidates = references.flatMap((column) =>
      column[i] == null ? [] : [counters(column[i]).map((reference, n) => compare(own[n]!, reference))],
    );
    const scores = candidates.map((statistics) => fScore(statistics, beta));
    const best = candidates[scores.indexOf(Math.max(...scores))] ?? [];
    best.forEach((statistics, n) => {
      for (const k of [0, 1, 2] as const) totals[n]![k] += statistics[k];
    });
  });
  return fScore(totals, beta);
}

function compare(
  hypothesis: ReadonlyMap<string, number>,
  reference: ReadonlyMap<string, number>,
): Statistics {
  const size = (counter: ReadonlyMap<string, number>) => [...counter.values()].reduce((a, b) => a + b, 0);
  return [reference.size === 0 ? 0 : size(hypothesis), size(reference), overlap(hypothesis, reference)];
}

function fScore(statistics: readonly Statistics[], beta: number): number {
  let precision = 0;
  let recall = 0;
  let orders = 0;
  for (const [hypothesis, reference, both] of statistics) {
    if (hypothesis === 0 || reference === 0) continue;
    precision += both / hypothesis;
    recall += both / reference;
    orders += 1;
  }
  if (precision + recall === 0) return 0;
  precision /= orders;
  recall /= orders;
  const factor = beta ** 2;
  return (100 * (1 + factor) * precision * recall) / (factor * precision + recall);
}

function ngramCounters(text: string, options: ChrfOptions & { charOrder: number; wordOrder: number }) {
  const characters = [...(options.whitespace ? text : splitWords(text).join(''))];
  const counters = Array.from({ length: options.charOrder }, (_, n) => countNgrams(characters, n + 1, ''));
  if (options.wordOrder === 0) return counters;
  const words = splitWords(text).flatMap(withoutPunctuation);
  return [
    ...counters,
    ...Array.from({ length: options.wordOrder }, (_, n) => countNgrams(words, n + 1, ' ')),
  ];
}

/** A word with one mark at its end, else at its start, set apart. */
function withoutPunctuation(word: string): string[] {
  const characters = [...word];
  if (characters.length === 1) return [word];
  const last = characters.at(-1)!;
  if (punctuation.has(last)) return [word.slice(0, -last.length), last];
  const [first] = characters;
  return punctuation.has(first!) ? [first!, word.slice(first!.length)] : [word];
}
