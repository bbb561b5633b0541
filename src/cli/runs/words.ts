import { nearest } from '../../config/nearest.js';
import { SluiceError } from '../../errors.js';

/** The words of a `runs` command, taken apart: `key=value` options and the others, in order. */
export interface Words<Key extends string> {
  plain: string[];
  options: Partial<Record<Key, string>>;
}

/** How a command is called, and what it takes. */
export interface CommandForm<Key extends string> {
  /** For hints: `./run runs diff A B`. */
  usage: string;
  keys: readonly Key[];
  /** How many other words there may be. */
  plain: readonly [least: number, most: number];
}

/** Throws SluiceError `usage.runs` for an unknown or repeated option, and for words too many or too few. */
export function readWords<Key extends string>(words: readonly string[], form: CommandForm<Key>): Words<Key> {
  const read: Words<Key> = { plain: [], options: {} };
  for (const word of words) {
    const [, key, value] = /^([\w-]+)=(.*)$/s.exec(word) ?? [];
    if (key === undefined) {
      read.plain.push(word);
      continue;
    }
    if (!isKey(key, form)) throw unknown(key, form);
    if (read.options[key] !== undefined) throw wrong(`${key} is given twice`, form);
    read.options[key] = value!;
  }
  const [least, most] = form.plain;
  if (read.plain.length > most) throw wrong(`too many words: ${read.plain.slice(most).join(' ')}`, form);
  if (read.plain.length < least) throw wrong('a word is missing', form);
  return read;
}

/** `yes=true`: throws SluiceError `usage.runs` for any value but true and false. */
export function readFlag(text: string | undefined, key: string, form: CommandForm<string>): boolean {
  if (text === undefined || text === 'false') return false;
  if (text === 'true') return true;
  throw wrong(`${key}=${text}: true or false is expected`, form);
}

/** A whole number from 0 on. */
export function readCount(
  text: string | undefined,
  key: string,
  form: CommandForm<string>,
): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  throw wrong(`${key}=${text}: a whole number is expected`, form);
}

export const wrong = (message: string, { usage }: Pick<CommandForm<string>, 'usage'>) =>
  new SluiceError('usage.runs', message, { hint: usage });

function isKey<Key extends string>(key: string, { keys }: CommandForm<Key>): key is Key {
  return (keys as readonly string[]).includes(key);
}

function unknown(key: string, form: CommandForm<string>): SluiceError {
  const [close] = nearest(key, form.keys);
  return new SluiceError('usage.runs', `there is no option ${key}`, {
    hint: close === undefined ? form.usage : `did you mean ${close}?`,
  });
}
