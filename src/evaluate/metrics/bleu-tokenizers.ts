import { splitWords } from './words.js';

export type BleuTokenizer = '13a' | 'intl' | 'zh' | 'char' | 'none';

export type Rule = readonly [pattern: RegExp, replacement: string];

/** Punctuation apart from words, as mteval-v13a does for languages in Latin script. */
export const westernPunctuation: readonly Rule[] = [
  [/([{-~[-` -&(-+:-@/])/gu, ' $1 '],
  [/([^0-9])([.,])/gu, '$1 $2 '],
  [/([.,])([^0-9])/gu, ' $1 $2'],
  [/([0-9])(-)/gu, '$1 $2 '],
];

/** mteval-v14 with its `--international-tokenization`: any script's punctuation and symbols, but not inside numbers. */
const international: readonly Rule[] = [
  [/(\P{N})(\p{P})/gu, '$1 $2 '],
  [/(\p{P})(\P{N})/gu, ' $1 $2'],
  [/(\p{S})/gu, ' $1 '],
];

// What sacrebleu's `zh` sets apart. Its two ranges beyond U+FFFF are written with four-digit escapes and so mean
// U+2001..U+2A6D and U+2F81..U+2FA1; scores are to be the same, so that is kept.
const chinese =
  /[\u3400-\u4db5\u4e00-\u9fbb\uf900-\ufa2d\ufa30-\ufa6a\ufa70-\ufad9\u2001-\u2a6d\u2f81-\u2fa1\uff00-\uffef\u2e80-\u2eff\u3000-\u303f\u31c0-\u31ef\u2f00-\u2fdf\u2ff0-\u2fff\u3100-\u312f\u31a0-\u31bf\ufe10-\ufe1f\ufe30-\ufe4f\u2600-\u27bf\u3200-\u33ff]/gu;

/** The XML entities that both BLEU's and TER's tokenizers decode. */
export const xmlEntities: readonly Rule[] = [
  [/&quot;/g, '"'],
  [/&amp;/g, '&'],
  [/&lt;/g, '<'],
  [/&gt;/g, '>'],
];

/** The tokens of one line by sacrebleu's tokenizers of these names (2.6). */
export const bleuTokenizers: Readonly<Record<BleuTokenizer, (line: string) => string[]>> = {
  '13a': (line) => {
    const joined = line.replaceAll('<skipped>', '').replaceAll('-\n', '').replaceAll('\n', ' ');
    return splitWords(replaceAll(` ${replaceAll(joined, xmlEntities)} `, westernPunctuation));
  },
  intl: (line) => splitWords(replaceAll(line, international)),
  zh: (line) => splitWords(replaceAll(line.replace(chinese, ' $& '), westernPunctuation)),
  char: (line) => splitWords([...line].join(' ')),
  none: splitWords,
};

/** The rules applied one after another. */
export function replaceAll(text: string, rules: readonly Rule[]): string {
  return rules.reduce((result, [pattern, replacement]) => result.replace(pattern, replacement), text);
}
