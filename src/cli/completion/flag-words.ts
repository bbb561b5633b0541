import { type CommandLine, parseArguments } from '../arguments.js';
import { flags, isItsValue } from '../flags.js';

export function flagNames(): string[] {
  return flags.flatMap(({ names }) => names);
}

/** The values a flag takes; none for a flag without. */
export function flagValues(name: string): readonly string[] | 'any' {
  return findFlag(name)?.values ?? [];
}

/**
 * Words taken apart like a command line, what is wrong among them left out; and the flag whose value comes next: a flag
 * that may stand alone only where something is typed that could be its value.
 */
export function readWords(
  words: readonly string[],
  current: string,
): { line: CommandLine; open: string | undefined } {
  const known: string[] = [];
  let open: string | undefined;
  for (const word of words) {
    const flag = findFlag(word);
    if (open !== undefined && takes(open, word)) {
      known.push(`${open}=${word}`);
      open = undefined;
    } else if (flag?.values !== undefined) {
      open = word;
    } else {
      known.push(word);
      open = undefined;
    }
  }
  if (open !== undefined && findFlag(open)?.bare !== undefined && !begins(open, current)) open = undefined;
  return { line: parseArguments(known.filter(isUsable)), open };
}

const findFlag = (name: string) => flags.find(({ names }) => names.includes(name));

function takes(flag: string, word: string): boolean {
  const found = findFlag(flag)!;
  return found.bare === undefined || isItsValue(found, word);
}

function begins(flag: string, current: string): boolean {
  const values = flagValues(flag);
  return values === 'any' || values.some((value) => value.startsWith(current));
}

function isUsable(word: string): boolean {
  try {
    parseArguments([word]);
    return true;
  } catch {
    return false;
  }
}
