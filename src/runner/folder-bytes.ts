import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Bytes of all files below a folder, without what lies in it by one of the `except` names. Links count as themselves and
 * are not followed; what cannot be read counts nothing.
 */
export function folderBytes(folder: string, except: readonly string[] = []): number {
  let bytes = 0;
  for (const entry of entriesOf(folder)) {
    if (except.includes(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) bytes += folderBytes(path);
    else bytes += lstatSync(path, { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes;
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
