/** What `cleanText` did, in characters or occurrences. */
export interface CleaningCounts {
  /** Control characters and other invisible ones. */
  controls: number;
  /** Stage directions and editorial marks: `(Applause.)`, `[Laughter]`, `[p.3]`. */
  marks: number;
  /** Typographic quotes and dashes written as ASCII. */
  quotes: number;
}

const CONTROLS = /[\p{Cc}\p{Cf}]/gu;
const MARKS = /\s*[([](?:applause|laughter|missing text|p\.\s?\d+|\d+)\.?[)\]]/gi;
const ASCII_FOR: Record<string, string> = {
  '‘': "'",
  '’': "'",
  '“': '"',
  '”': '"',
  '‑': '-',
  '–': '-',
  '—': '-',
};
const TYPOGRAPHIC = /[‘’“”‑–—]/g;

/**
 * Normalises a document for training: Unicode NFC, no control characters or editorial marks, ASCII quotes and dashes, single
 * spaces inside lines, no empty lines at the ends. Adds what it did to `counts`.
 */
export function cleanText(text: string, counts: CleaningCounts): string {
  return text
    .normalize('NFC')
    .replace(/\r\n?/g, '\n')
    .replace(CONTROLS, (control) => {
      if (control === '\n') return control;
      if (control !== '\t') counts.controls++;
      return ' ';
    })
    .replace(MARKS, () => {
      counts.marks++;
      return '';
    })
    .replace(TYPOGRAPHIC, (character) => {
      counts.quotes++;
      return ASCII_FOR[character]!;
    })
    .replace(/[^\S\n]+/g, ' ')
    .replace(/ ?\n ?/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}
