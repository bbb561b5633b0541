import { replaceAll, westernPunctuation, xmlEntities } from './bleu-tokenizers.js';
import { EditDistance, type Edits } from './edit-distance.js';
import { splitWords, trimEnd } from './words.js';

export interface TerOptions {
  /** Set punctuation apart and decode XML entities first. */
  normalized?: boolean;
  /** Remove . , ? : ; ! " ( ) */
  noPunctuation?: boolean;
  caseSensitive?: boolean;
}

const longestShift = 10;
const farthestShift = 50;
const mostCandidates = 1000;

/**
 * Translation edit rate of a corpus in percent (Snover et al. 2006) as sacrebleu 2.6 computes it after Tercom: edits
 * and shifts of word groups, over the mean length of the references.
 * `references[k][i]` is reference k of hypothesis i; null where hypothesis i has fewer.
 */
export function ter(
  hypotheses: readonly string[],
  references: readonly (readonly (string | null)[])[],
  options: TerOptions = {},
): number {
  const words = (text: string) => tercomWords(trimEnd(text), options);
  let edits = 0;
  let length = 0;
  hypotheses.forEach((hypothesis, i) => {
    const own = words(hypothesis);
    const others = references.flatMap((column) => (column[i] == null ? [] : [words(column[i])]));
    edits += Math.min(...others.map((reference) => fewestEdits(own, reference)));
    length += others.reduce((sum, { length }) => sum + length, 0) / others.length;
  });
  if (length > 0) return (100 * edits) / length;
  return edits > 0 ? 100 : 0;
}

function tercomWords(text: string, { normalized, noPunctuation, caseSensitive }: TerOptions): string[] {
  let result = caseSensitive ? text : text.toLowerCase();
  if (normalized) {
    result = replaceAll(result.replaceAll('\n-', '').replaceAll('\n', ' '), xmlEntities);
    const [marks, ...numbers] = westernPunctuation;
    result = replaceAll(` ${result} `, [marks!, [/'s /g, " 's "], [/'s$/g, " 's"], ...numbers]);
  }
  if (noPunctuation) result = result.replace(/[.,?:;!"()]/g, '');
  return splitWords(result);
}

/** Shifts, each the one that helps most, while they help; then the edit distance. */
function fewestEdits(hypothesis: readonly string[], reference: readonly string[]): number {
  if (reference.length === 0) return hypothesis.length;
  const distance = new EditDistance(reference);
  const search = { words: hypothesis, reference, distance, tried: 0 };
  let shifts = 0;
  for (;;) {
    const { gain, words } = bestShift(search);
    if (search.tried >= mostCandidates || gain <= 0) break;
    shifts += 1;
    search.words = words;
  }
  return shifts + distance.to(search.words).count;
}

interface Search {
  words: readonly string[];
  reference: readonly string[];
  distance: EditDistance;
  /** Shifts tried so far, over all rounds. */
  tried: number;
}

interface Candidate {
  gain: number;
  words: readonly string[];
  /** Compared in order, the largest wins: gain, length, then the earliest start and target. */
  rank: readonly number[];
}

function bestShift(search: Search): { gain: number; words: readonly string[] } {
  const { words, reference, distance } = search;
  const before = distance.to(words);
  const { places, wrongInReference, wrongInHypothesis } = alignment(before);
  let best: Candidate | undefined;
  for (const { start, at, length } of commonRuns(words, reference)) {
    if (!wrongInHypothesis.slice(start, start + length).includes(true)) continue;
    if (!wrongInReference.slice(at, at + length).includes(true)) continue;
    if (places[at]! >= start && places[at]! < start + length) continue;
    let previous = -1;
    for (let offset = -1; offset < length; offset++) {
      const place = at + offset === -1 ? -1 : places[at + offset];
      if (place === undefined) break;
      const target = place + 1;
      if (target === previous) continue;
      previous = target;
      const shifted = shift(words, start, length, target);
      const gain = before.count - distance.to(shifted).count;
      const candidate = { gain, words: shifted, rank: [gain, length, -start, -target] };
      search.tried += 1;
      if (best === undefined || outranks(candidate.rank, best.rank)) best = candidate;
    }
    if (search.tried >= mostCandidates) break;
  }
  return best ?? { gain: 0, words };
}

function outranks(a: readonly number[], b: readonly number[]): boolean {
  const differing = a.findIndex((value, i) => value !== b[i]);
  return differing >= 0 && a[differing]! > b[differing]!;
}

/** For each word of the reference the hypothesis word it stands at, and which words of either are edited. */
function alignment({ trace }: Edits) {
  const places: number[] = [];
  const wrongInReference: boolean[] = [];
  const wrongInHypothesis: boolean[] = [];
  for (const edit of trace) {
    // the trace turns the hypothesis into the reference: what it inserts stands in the reference only
    if (edit !== 'insert') wrongInHypothesis.push(edit !== 'keep');
    if (edit !== 'delete') {
      places.push(wrongInHypothesis.length - 1);
      wrongInReference.push(edit !== 'keep');
    }
  }
  return { places, wrongInReference, wrongInHypothesis };
}

/** Every run of words that both have, at places not too far apart. */
function* commonRuns(words: readonly string[], reference: readonly string[]) {
  for (let start = 0; start < words.length; start++) {
    for (let at = 0; at < reference.length; at++) {
      if (Math.abs(at - start) > farthestShift) continue;
      for (let length = 1; length <= longestShift; length++) {
        const [word, other] = [words[start + length - 1], reference[at + length - 1]];
        if (word === undefined || word !== other) break;
        yield { start, at, length };
      }
    }
  }
}

/** The words with `length` of them from `start` moved to stand before `target` (an index before the move). */
function shift(words: readonly string[], start: number, length: number, target: number): string[] {
  const moved = words.slice(start, start + length);
  if (target < start) {
    return [
      ...words.slice(0, target),
      ...moved,
      ...words.slice(target, start),
      ...words.slice(start + length),
    ];
  }
  const rest = [...words.slice(0, start), ...words.slice(start + length)];
  // a target inside the moved words means as many words further on
  const place = target > start + length ? target - length : target;
  return [...rest.slice(0, place), ...moved, ...rest.slice(place)];
}
