/** A command line up to the cursor, as a shell would split it. */
export interface ShellLine {
  /** The words before the one at the cursor, unquoted, without the program itself. */
  words: string[];
  /** The word at the cursor, unquoted; empty after a space. */
  current: string;
  /** The quote that is still open at the cursor. */
  quote: '' | "'" | '"';
  /** How much of `current` the shell leaves alone: it replaces only what follows the last word break or the open quote. */
  kept: number;
}

/**
 * Splits the text before the cursor. Variable assignments before the program are passed over. `wordBreaks` are the
 * characters at which the shell (bash: COMP_WORDBREAKS) starts a new word to complete, besides blanks.
 */
export function readShellLine(text: string, wordBreaks = ''): ShellLine {
  const words: string[] = [];
  let current = '';
  let started = false;
  let quote: ShellLine['quote'] = '';
  let kept = 0;
  const characters = [...text];
  for (let index = 0; index < characters.length; index++) {
    const character = characters[index]!;
    if (quote !== '') {
      if (character === quote) quote = '';
      else if (quote === '"' && character === '\\' && '"\\$`'.includes(characters[index + 1] ?? ' '))
        current += characters[++index];
      else current += character;
    } else if (/\s/.test(character)) {
      if (started) words.push(current);
      [current, started, kept] = ['', false, 0];
    } else {
      started = true;
      if (character === "'" || character === '"') [quote, kept] = [character, current.length];
      else if (character === '\\') current += characters[++index] ?? '';
      else {
        current += character;
        if (wordBreaks.includes(character)) kept = current.length;
      }
    }
  }
  const program = words.findIndex((word) => !/^\w+=/.test(word));
  return { words: program < 0 ? [] : words.slice(program + 1), current, quote, kept };
}
