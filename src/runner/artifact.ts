import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { SluiceError } from '../errors.js';

/** A file or folder that a run read or made, as run.json records it. */
export interface Artifact {
  name: string;
  /** Resolves against the folder of the run.json it stands in: relative inside the project, absolute outside. */
  path: string;
  kind: 'file' | 'folder';
  /** Of a file: of its bytes. Of a folder: of its manifest, see {@link fingerprint}. */
  sha256: string;
  bytes: number;
}

/**
 * Hashes a file, or a folder as the sorted list of its files (`<sha256>  <path>\n` each, as sha256sum prints them), so
 * that the hash of a folder can be checked with standard tools.
 * Throws SluiceError `run.artifact_missing` where there is nothing at `path`.
 */
export async function fingerprint(path: string): Promise<Pick<Artifact, 'kind' | 'sha256' | 'bytes'>> {
  const found = await stat(path).catch((cause) => {
    throw new SluiceError('run.artifact_missing', 'a stage recorded a file or folder that is not there', {
      where: path,
      cause,
    });
  });
  if (!found.isDirectory()) return { kind: 'file', sha256: await hashFile(path), bytes: found.size };

  const manifest = createHash('sha256');
  let bytes = 0;
  for (const file of await filesBelow(path)) {
    manifest.update(`${await hashFile(file)}  ${relative(path, file)}\n`);
    bytes += (await stat(file)).size;
  }
  return { kind: 'folder', sha256: manifest.digest('hex'), bytes };
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => !entry.isDirectory());
  return files.map((entry) => join(entry.parentPath, entry.name)).sort();
}
