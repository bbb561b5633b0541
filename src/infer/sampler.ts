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
  const kept = filter(scores, options);
  const total = kept.reduce((sum, token) => sum + token.weight, 0);
  let left = uniform(seed, place.row, place.step) * total;
  for (const { id, weight } of kept) if ((left -= weight) < 0) return id;
  return kept.at(-1)!.id; // rounding of the sum
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

interface Candidate {
  id: number;
  /** exp of the score less the largest score */
  weight: number;
}

/** The tokens that may be drawn. */
function filter(scores: Float32Array, options: SamplingOptions): Candidate[] {
  const { temperature, topK = 0, topP = 1, minP = 0 } = options;
  const largest = scores[argmax(scores)]!;
  let kept: Candidate[] = Array.from(scores, (score, id) => ({
    id,
    weight: Math.exp((score - largest) / temperature),
  }));
  if (topK === 0 && topP === 1 && minP === 0) return kept; // nothing to leave out: no need to sort a vocabulary
  kept.sort((a, b) => b.weight - a.weight || a.id - b.id);
  if (topK > 0) kept = kept.slice(0, topK);
  if (topP < 1) kept = nucleus(kept, topP);
  return minP > 0 ? kept.filter(({ weight }) => weight >= minP) : kept;
}

function nucleus(sorted: Candidate[], mass: number): Candidate[] {
  const wanted = mass * sorted.reduce((sum, token) => sum + token.weight, 0);
  let sum = 0;
  const count = sorted.findIndex(({ weight }) => (sum += weight) >= wanted);
  return count < 0 ? sorted : sorted.slice(0, count + 1);
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
