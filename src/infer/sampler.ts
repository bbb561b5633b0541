/** How the next token is chosen from logits. */
export interface SamplingOptions {
  /** 0: the largest logit, always. */
  readonly temperature: number;
  /** Only the k largest; 0: all. */
  readonly topK?: number;
  /** The smallest set of largest probabilities that reaches this mass; 1: all. */
  readonly topP?: number;
  /** Only tokens at least this share of the largest probability; 0: all. */
  readonly minP?: number;
  /** Logits of tokens seen before are divided by this (multiplied when negative); 1: off. */
  readonly repetitionPenalty?: number;
  readonly seed?: number;
}

/**
 * Chooses a token. The number drawn depends on seed, row and step alone, so that a row's tokens are the same in any
 * batch. Filters act in transformers' order: penalty, temperature, top-k, top-p, min-p.
 *
 * @param logits [V], left unchanged
 * @param seen ids of the row so far, prompt included
 */
export function sample(
  logits: Float32Array,
  options: SamplingOptions,
  seen: readonly number[],
  place: { row: number; step: number },
): number {
  const { temperature, repetitionPenalty = 1, seed = 0 } = options;
  const scores = repetitionPenalty === 1 ? logits : penalize(logits, seen, repetitionPenalty);
  if (temperature === 0) return argmax(scores);
  const weights = weigh(scores, options);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let left = uniform(seed, place.row, place.step) * total;
  for (let id = 0; id < weights.length; id++) if ((left -= weights[id]!) < 0) return id;
  return weights.findLastIndex((weight) => weight > 0); // rounding of the sum
}

/** The first of the largest. */
export function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

function penalize(logits: Float32Array, seen: readonly number[], penalty: number): Float32Array {
  const scores = logits.slice();
  for (const id of new Set(seen)) {
    const score = scores[id]!;
    scores[id] = score < 0 ? score * penalty : score / penalty;
  }
  return scores;
}

/** [V]: probabilities up to a factor, the largest 1; 0 for a token that must not be drawn. */
function weigh(scores: Float32Array, options: SamplingOptions): Float64Array {
  const { temperature, topK = 0, topP = 1, minP = 0 } = options;
  const largest = scores[argmax(scores)]!;
  const weights = new Float64Array(scores.length);
  for (let id = 0; id < weights.length; id++) weights[id] = Math.exp((scores[id]! - largest) / temperature);
  if (topK > 0 || topP < 1 || minP > 0) {
    const ascending = weights.toSorted();
    keepLargest(weights, ascending, countKept(ascending, topK, topP, minP));
  }
  return weights;
}

/** How many of the largest weights pass top-k, then top-p, then min-p. */
function countKept(ascending: Float64Array, topK: number, topP: number, minP: number): number {
  const size = ascending.length;
  let count = topK > 0 ? Math.min(topK, size) : size;
  if (topP < 1) {
    let mass = 0;
    for (let i = 1; i <= count; i++) mass += ascending[size - i]!;
    let sum = 0;
    for (let i = 1; i <= count; i++) if ((sum += ascending[size - i]!) >= topP * mass) count = i;
  }
  while (count > 1 && ascending[size - count]! < minP) count--;
  return count;
}

/** Zeros all but the `count` largest; among equals the lower ids stay. */
function keepLargest(weights: Float64Array, ascending: Float64Array, count: number): void {
  const least = ascending[ascending.length - count]!;
  let equals = count - weights.reduce((above, weight) => above + (weight > least ? 1 : 0), 0);
  for (let id = 0; id < weights.length; id++) {
    if (weights[id]! < least || (weights[id] === least && equals-- <= 0)) weights[id] = 0;
  }
}

/** [0,1) from three numbers: two rounds of a 32-bit mixer (murmur3's finalizer) for each half of the mantissa. */
function uniform(seed: number, row: number, step: number): number {
  const base = mix(mix(mix(seed ^ 0x9e3779b9) ^ row) ^ step);
  return ((mix(base ^ 1) >>> 5) * 2 ** 26 + (mix(base ^ 2) >>> 6)) / 2 ** 53;
}

function mix(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
