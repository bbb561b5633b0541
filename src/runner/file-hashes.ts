import { existsSync, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { writeTextAtomic } from '../checkpoint/atomic.js';
import { SluiceError } from '../errors.js';
import { type Fingerprint, fingerprint, hashFile } from './artifact.js';

/** What a file looked like when it was hashed: another size, time or inode is another file. */
type Look = [size: string, mtime: string, ctime: string, inode: string];

// A file that was written this shortly before may change again within one tick of its file system's clock.
const settledMilliseconds = 2000;

/**
 * Hashes of files and folders, remembered in a file so that gigabytes are read once. Only a cache: a file that looks other
 * than when it was hashed is hashed again, and the file of the cache may be deleted at any time.
 */
export class FileHashes {
  private readonly path: string;
  private known: Record<string, { look: Look; sha256: string }> | undefined;
  private changed = false;

  constructor(path: string) {
    this.path = path;
  }

  /** undefined where there is nothing at `path`. */
  async of(path: string): Promise<Fingerprint | undefined> {
    try {
      return await fingerprint(path, (file) => this.hash(resolve(file)));
    } catch (error) {
      if (error instanceof SluiceError && error.code === 'run.artifact_missing') return undefined;
      throw error;
    }
  }

  /** Writes what is new, if anything. */
  save(): void {
    if (!this.changed) return;
    const there = Object.entries(this.read()).filter(([path]) => existsSync(path));
    writeTextAtomic(this.path, `${JSON.stringify(Object.fromEntries(there))}\n`);
    this.changed = false;
  }

  private async hash(file: string): Promise<string> {
    const { size, mtimeNs, ctimeNs, ino } = await stat(file, { bigint: true });
    const look: Look = [`${size}`, `${mtimeNs}`, `${ctimeNs}`, `${ino}`];
    const known = this.read()[file];
    if (known !== undefined && String(known.look) === String(look)) return known.sha256;
    const settled = Date.now() - Number(ctimeNs / 1_000_000n) > settledMilliseconds;
    const sha256 = await hashFile(file);
    if (settled) {
      this.read()[file] = { look, sha256 };
      this.changed = true;
    }
    return sha256;
  }

  private read(): Record<string, { look: Look; sha256: string }> {
    if (this.known !== undefined) return this.known;
    try {
      this.known = JSON.parse(readFileSync(this.path, 'utf8')) as typeof this.known;
    } catch {
      this.known = {}; // none yet, or damaged: everything is hashed anew
    }
    return (this.known ??= {});
  }
}
