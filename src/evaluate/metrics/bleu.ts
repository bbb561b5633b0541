import { type BleuTokenizer, bleuTokenizers } from './bleu-tokenizers.js';
import { countNgrams, overlap, trimEnd } from './words.js';

export interface BleuOptions {
  lowercase?: boolean;
  /** Default: `13a`. */
  tokenize?: BleuTokenizer;
  /** What an order without a match counts: half, a quarter, … of one (`exp`), `smoothValue` (`floor`), one more of everything (`add-k`). */
  smooth?: 'exp' | 'floor' | 'add-k' | 'none';
  /** Default: 0.1 for `floor`, 1 for `add-k`. */
  smoothValue?: number;
  /** Leave out the orders that the hypotheses are too short for: what a score of one sentence wants. */
  effectiveOrder?: boolean;
}

export interface BleuScore {
  /** 0 to 100. */
  score: number;
  /** Per order 1 to 4, in percent. */
  precisions: number[];
  /** Brevity penalty. */
  bp: number;
  /** Tokens of the hypotheses, and of the references nearest in length. */
  sysLength: number;
  refLength: number;
  counts: number[];
  totals: number[];
}

const maxOrder = 4;
const separator = '\u0001'; // no tokenizer leaves it inside a token that another could make too

/**
 * Corpus BLEU as sacrebleu 2.6 computes it (Papineni et al. 2002; smoothing of Chen and Cherry 2014).
 * `references[k][i]` is reference k of hypothesis i; null where hypothesis i has fewer.
 */
export function bleu(
  hypotheses: readonly string[],
  references: readonly (readonly (string | null)[])[],
  options: BleuOptions = {},
): BleuScore {
  const tokenize = bleuTokenizers[options.tokenize ?? '13a'];
  const prepare = (text: string) => tokenize(trimEnd(options.lowercase ? text.toLowerCase() : text));
  const counts = new Array<number>(maxOrder).fill(0);
  const totals = new Array<number>(maxOrder).fill(0);
  let sysLength = 0;
  let refLength = 0;
  hypotheses.forEach((hypothesis, i) => {
    const tokens = prepare(hypothesis);
    const others = references.flatMap((column) => (column[i] == null ? [] : [prepare(column[i])]));
    sysLength += tokens.length;
    refLength += nearestLength(tokens.length, others);
    for (let order = 1; order <= maxOrder; order++) {
      totals[order - 1]! += Math.max(0, tokens.length - order + 1);
      counts[order - 1]! += overlap(
        countNgrams(tokens, order, separator),
        mostOfEach(others.map((other) => countNgrams(other, order, separator))),
      );
    }
  });
  return scoreOf(counts, totals, sysLength, refLength, options);
}

function scoreOf(
  counts: number[],
  totals: number[],
  sysLength: number,
  refLength: number,
  { smooth = 'exp', smoothValue = smooth === 'floor' ? 0.1 : 1, effectiveOrder = false }: BleuOptions,
): BleuScore {
  const bp = sysLength >= refLength ? 1 : sysLength > 0 ? Math.exp(1 - refLength / sysLength) : 0;
  const precisions = new Array<number>(maxOrder).fill(0);
  const result = { precisions, bp, sysLength, refLength, counts, totals };
  if (counts.every((count) => count === 0)) return { score: 0, ...result };
  let halving = 1;
  let orders = maxOrder;
  for (let n = 0; n < maxOrder; n++) {
    if (smooth === 'add-k' && n > 0) {
      counts[n]! += smoothValue;
      totals[n]! += smoothValue;
    }
    const total = totals[n]!;
    if (total === 0) break;
    if (effectiveOrder) orders = n + 1;
    if (counts[n]! > 0) {
      precisions[n] = (100 * counts[n]!) / total;
    } else if (smooth === 'exp') {
      halving *= 2;
      precisions[n] = 100 / (halving * total);
    } else if (smooth === 'floor') {
      precisions[n] = (100 * smoothValue) / total;
    }
  }
  const logs = precisions.slice(0, orders).reduce((sum, precision) => sum + Math.log(precision), 0);
  return { score: bp * Math.exp(logs / orders), ...result };
}

/** Per item the largest count among the references. */
function mostOfEach(counters: readonly ReadonlyMap<string, number>[]): Map<string, number> {
  const most = new Map<string, number>();
  for (const counter of counters)
    for (const [item, count] of counter) most.set(item, Math.max(most.get(item) ?? 0, count));
  return most;
}

/** Length of the reference nearest to the hypothesis; the shorter of two as near. */
function nearestLength(length: number, references: readonly (readonly string[])[]): number {
  const byNearness = references
    .map((tokens) => tokens.length)
    .sort((a, b) => Math.abs(a - length) - Math.abs(b - length) || a - b);
  return byNearness[0] ?? 0;
}
