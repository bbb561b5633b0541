import type { Random } from '../random.js';
import type { SourceDocument } from '../sources/document.js';

/** A document as words, with the places where sentences start. */
export interface WordedDocument {
  document: SourceDocument;
  words: string[];
  sentenceStarts: number[];
}

const ABBREVIATION = /^(?:["'(]*(?:Mr|Mrs|Ms|Dr|St|No|Hon|Gen|Col|vs|[A-Z])\.)+$/;

export function wordsOf(document: SourceDocument): WordedDocument {
  const words = document.text.split(/\s+/).filter((word) => word !== '');
  const sentenceStarts = words.flatMap((word, i) =>
    (i === 0 || endsSentence(words[i - 1]!)) && /^["'(]*[A-Z]/.test(word) ? [i] : [],
  );
  return { document, words, sentenceStarts };
}

/** Fewest and most words of a passage. */
export type PassageWords = readonly [least: number, most: number];

/** Draws passages of one document without taking a starting sentence twice. */
export class PassageDrawer {
  private readonly source: WordedDocument;
  private readonly starts: number[];
  private readonly random: Random;

  constructor(source: WordedDocument, random: Random) {
    this.source = source;
    this.random = random;
    this.starts = random.shuffle([...source.sentenceStarts]);
  }

  /** Whole sentences where they fit, else cut at the most words; null when the document is used up. */
  passage([least, most]: PassageWords): string | null {
    const start = this.nextStart(least);
    if (start === null) return null;
    const { words } = this.source;
    let end = Math.min(start + most, words.length);
    while (end > start + least && !endsSentence(words[end - 1]!)) end--;
    if (!endsSentence(words[end - 1]!)) end = Math.min(start + most, words.length);
    return words.slice(start, end).join(' ');
  }

  /** The words of a passage and the place in it of one occurrence of `word`, at least `least` words in. */
  around(word: string, [least, most]: PassageWords): { words: string[]; at: number } | null {
    for (let start = this.nextStart(least); start !== null; start = this.nextStart(least)) {
      const words = this.source.words.slice(start, start + most);
      const places = words.flatMap((candidate, i) => (candidate === word && i >= least ? [i] : []));
      if (places.length > 0) return { words, at: this.random.pick(places) };
    }
    return null;
  }

  private nextStart(least: number): number | null {
    for (let start = this.starts.pop(); start !== undefined; start = this.starts.pop()) {
      if (start + least < this.source.words.length) return start;
    }
    return null;
  }
}

function endsSentence(word: string): boolean {
  return /[.!?]["')]*$/.test(word) && !ABBREVIATION.test(word);
}
