import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Folders and files that are still being written carry this in their name; nothing ever reads them. */
const temporaryMark = '.partial-';

export function isTemporary(path: string): boolean {
  return basename(path).includes(temporaryMark);
}

/** `write` makes the file under the name it is given and returns the synced descriptor; then it gets its real name. */
export function writeFileAtomic(path: string, write: (temporary: string) => number): void {
  makeFolder(dirname(path));
  const temporary = temporaryName(path);
  try {
    closeSync(write(temporary));
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Text to a file that is either the old one or the new one, never half of it. */
export function writeTextAtomic(path: string, text: string): void {
  writeFileAtomic(path, (temporary) => {
    const descriptor = openSync(temporary, 'wx');
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
    return descriptor;
  });
}

/**
 * `fill` writes files into a temporary folder; they are synced and the folder gets its real name. A folder that is
 * already there under that name is replaced.
 */
export function writeFolderAtomic(path: string, fill: (temporary: string) => void): void {
  makeFolder(dirname(path));
  const temporary = temporaryName(path);
  mkdirSync(temporary);
  try {
    fill(temporary);
    for (const file of readdirSync(temporary)) syncFile(join(temporary, file));
    syncFolder(temporary);
    rmSync(path, { recursive: true, force: true });
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    throw error;
  }
}

/** A folder made a moment ago is lost with the power too, unless the one above it is synced. */
function makeFolder(path: string): void {
  const first = mkdirSync(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) syncFolder(dirname(made));
}

function temporaryName(path: string): string {
  return join(
    dirname(path),
    `${basename(path)}${temporaryMark}${process.pid}-${randomBytes(4).toString('hex')}`,
  );
}

function syncFile(path: string): void {
  const descriptor = openSync(path, 'r'); // a linked file may be another's, which cannot be opened for writing
  fsyncSync(descriptor);
  closeSync(descriptor);
}

function syncFolder(path: string): void {
  const descriptor = openSync(path, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}
