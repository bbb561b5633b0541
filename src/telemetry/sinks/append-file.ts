import { createWriteStream } from 'node:fs';

/** Appends to a file in order; the first write error is kept and told by `close`. */
export class AppendFile {
  readonly path: string;
  private readonly stream;
  private failure: Error | undefined;

  constructor(path: string) {
    this.path = path;
    this.stream = createWriteStream(path, { flags: 'a' });
    this.stream.on('error', (error) => (this.failure ??= error));
  }

  write(data: string | Uint8Array): void {
    if (this.failure === undefined) this.stream.write(data);
  }

  close(): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = () => (this.failure === undefined ? resolve() : reject(this.failure));
      if (this.stream.destroyed) settle();
      else this.stream.once('close', settle).end();
    });
  }
}
