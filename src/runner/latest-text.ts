import { open, rename } from 'node:fs/promises';

/**
 * A file that is kept at the latest of many texts: each is written beside it, flushed and renamed, without holding up who
 * gives them; of texts that come faster than they can be written the last one is.
 */
export class LatestText {
  private readonly path: string;
  private next: string | undefined;
  private writing: Promise<void> | undefined;
  private failure: unknown;

  constructor(path: string) {
    this.path = path;
  }

  set(text: string): void {
    this.next = text;
    this.writing ??= this.write().finally(() => {
      this.writing = undefined;
    });
  }

  /** Resolves when the last text is on disk. Throws what kept it from being written. */
  async flushed(): Promise<void> {
    await this.writing;
    if (this.failure !== undefined) throw this.failure;
  }

  private async write(): Promise<void> {
    while (this.next !== undefined) {
      const text = this.next;
      this.next = undefined;
      this.failure = await replace(this.path, text).catch((error: unknown) => error);
    }
  }
}

async function replace(path: string, text: string): Promise<void> {
  const temporary = `${path}.partial-${process.pid}`;
  const file = await open(temporary, 'w');
  try {
    await file.writeFile(text);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}
