import type { TrainBpe } from '../../src/text/index.js';

// GPT-2's pattern. Its \s is Unicode's White_Space; JavaScript's own \s differs in U+0085 and U+FEFF.
const PATTERN =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

/** The obvious byte-level BPE trainer: recounts every pair after every merge. The judge of the native one. */
export const referenceTrainBpe: TrainBpe = async (options, texts) => {
  const vocab = [...options.specialTokens, ...byteCharacters().sort()];
  const idOf = new Map(vocab.map((token, id) => [token, id]));
  const characters = byteCharacters();
  const words = new Map<string, number>();
  for (const text of texts)
    for (const word of text.match(PATTERN) ?? []) words.set(word, (words.get(word) ?? 0) + 1);
  const split = [...words].map(([word, count]) => ({
    symbols: [...Buffer.from(word)].map((byte) => idOf.get(characters[byte]!)!),
    count,
  }));
  const merges: [number, number][] = [];
  while (vocab.length < options.vocabSize) {
    const best = mostFrequentPair(split);
    if (best === undefined || best.count < Math.max(1, options.minFrequency)) break;
    const [left, right] = best.pair;
    const merged = vocab[left]! + vocab[right]!;
    if (!idOf.has(merged)) idOf.set(merged, vocab.push(merged) - 1);
    merges.push([left, right]);
    for (const word of split) word.symbols = replacePair(word.symbols, left, right, idOf.get(merged)!);
  }
  return { vocab, merges };
};

function mostFrequentPair(words: { symbols: number[]; count: number }[]) {
  const counts = new Map<string, { pair: [number, number]; count: number }>();
  for (const { symbols, count } of words) {
    for (let i = 0; i + 1 < symbols.length; i++) {
      const key = `${symbols[i]} ${symbols[i + 1]}`;
      const entry = counts.get(key);
      if (entry) entry.count += count;
      else counts.set(key, { pair: [symbols[i]!, symbols[i + 1]!], count });
    }
  }
  return [...counts.values()].sort(
    (a, b) => b.count - a.count || a.pair[0] - b.pair[0] || a.pair[1] - b.pair[1],
  )[0];
}

function replacePair(symbols: number[], left: number, right: number, merged: number): number[] {
  const result: number[] = [];
  for (let i = 0; i < symbols.length; i++) {
    if (symbols[i] === left && symbols[i + 1] === right) {
      result.push(merged);
      i++;
    } else result.push(symbols[i]!);
  }
  return result;
}

/** GPT-2's character for each byte. */
function byteCharacters(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, b) => {
    const printable = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
    return String.fromCodePoint(printable ? b : next++);
  });
}
