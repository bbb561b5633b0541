import { isAbsolute, relative } from 'node:path';

/** A path as shown from a folder: relative where inside it. */
export function shortened(from: string, path: string): string {
  const short = relative(from, path).split('\\').join('/');
  return short.startsWith('..') || isAbsolute(short) ? path : short || '.';
}
