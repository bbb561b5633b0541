import { readdirSync, statSync } from 'node:fs';
import { resolve } from 'node:path';

/** Paths that begin so, relative ones from `root`; folders end in `/`. Hidden files only where asked for by a dot. */
export function filesBelow(root: string, begin: string): string[] {
  const folder = begin.slice(0, begin.lastIndexOf('/') + 1);
  const name = begin.slice(folder.length);
  if (name === '..' || begin === '.') return [`${begin}/`];
  return entries(resolve(root, folder))
    .filter((entry) => entry.startsWith(name) && (name.startsWith('.') || !entry.startsWith('.')))
    .map((entry) => `${folder}${entry}${isFolder(resolve(root, folder, entry)) ? '/' : ''}`);
}

/** Names of the files with an ending in a folder and the folders below, without the ending. */
export function namesBelow(folder: string, ending: string): string[] {
  return entries(folder, true)
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, -ending.length));
}

function entries(folder: string, recursive = false): string[] {
  try {
    return readdirSync(folder, { encoding: 'utf8', recursive });
  } catch {
    return [];
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
