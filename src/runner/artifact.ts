import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
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
  /** Of a folder with no more than {@link listedFiles}: what its manifest lists, so that a copy of one can be told. */
  files?: ArtifactFile[];
}

export interface ArtifactFile {
  /** Below the folder. */
  path: string;
  sha256: string;
  bytes: number;
}

/** More would make run.json a book; the hash of the folder holds for any number. */
const listedFiles = 256;

export type Fingerprint = Pick<Artifact, 'kind' | 'sha256' | 'bytes' | 'files'>;

/**
 * Hashes a file (by `hashOf`), or a folder as the sorted list of its files (`<sha256>  <path>\n` each, as sha256sum prints
 * them), so that the hash of a folder can be checked with standard tools. Links are followed; what is no file (a link to
 * nothing, a pipe, a socket) has no bytes of its own and is left out.
 * Throws SluiceError `run.artifact_missing` where there is nothing at `path`, `run.artifact_unreadable` where a file cannot be read.
 */
export async function fingerprint(
  path: string,
  hashOf: (file: string) => Promise<string> = hashFile,
): Promise<Fingerprint> {
  const found = await stat(path).catch((cause) => {
    throw new SluiceError('run.artifact_missing', 'a stage recorded a file or folder that is not there', {
      where: path,
      cause,
    });
  });
  const hashed = async (file: string) => {
    try {
      return { path: relative(path, file), sha256: await hashOf(file), bytes: (await stat(file)).size };
    } catch (cause) {
      throw new SluiceError('run.artifact_unreadable', `cannot be read: ${(cause as Error).message}`, {
        where: file,
        cause,
      });
    }
  };
  if (!found.isDirectory()) return { kind: 'file', sha256: (await hashed(path)).sha256, bytes: found.size };

  const files: ArtifactFile[] = [];
  for (const file of (await filesBelow(path)).sort()) files.push(await hashed(file));
  const manifest = createHash('sha256');
  for (const file of files) manifest.update(`${file.sha256}  ${file.path}\n`);
  return {
    kind: 'folder',
    sha256: manifest.digest('hex'),
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    ...(files.length <= listedFiles && { files }),
  };
}

/** Hex sha256 of a file. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** @param above the folders around it, as they really lie: a link back to one of them is not followed */
async function filesBelow(folder: string, above: readonly string[] = []): Promise<string[]> {
  const real = await realpath(folder);
  if (above.includes(real)) return [];
  const files: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    const kind = entry.isSymbolicLink() ? await stat(path).catch(() => entry) : entry;
    if (kind.isFile()) files.push(path);
    else if (kind.isDirectory())
      for (const file of await filesBelow(path, [...above, real])) files.push(file);
  }
  return files;
}
