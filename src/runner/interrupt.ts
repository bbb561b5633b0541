import { endSignals } from './end-signals.js';

/** `end`: in order, with a checkpoint. `kill`: at once. `checkpoint`: write one and go on. */
export type Request = 'end' | 'kill' | 'checkpoint';

/**
 * What signals ask of the runs that this process watches: of Ctrl-C, SIGTERM and SIGHUP (see endSignals) the first one an
 * orderly end, the second one an end at once; SIGUSR1, which batch systems send ahead of time limits, a checkpoint.
 */
export class Interrupt {
  private count = 0;
  private readonly listeners = new Set<(request: Request) => void>();

  get requested(): boolean {
    return this.count > 0;
  }

  request(): void {
    this.count++;
    this.tell(this.count > 1 ? 'kill' : 'end');
  }

  requestCheckpoint(): void {
    this.tell('checkpoint');
  }

  /** Gives the function that ends the listening. */
  on(listener: (request: Request) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private tell(request: Request): void {
    for (const listener of this.listeners) listener(request);
  }
}

// A file beyond `ulimit -f` is then an error of the write, which has a message, not the end of the process.
const fileTooLarge = () => {};

/** Turns the signals of this process into requests; gives the function that ends it. */
export function catchSignals(interrupt: Interrupt): () => void {
  const request = () => interrupt.request();
  const checkpoint = () => interrupt.requestCheckpoint();
  for (const signal of endSignals) process.on(signal, request);
  process.on('SIGUSR1', checkpoint);
  process.on('SIGXFSZ', fileTooLarge);
  return () => {
    process.off('SIGXFSZ', fileTooLarge);
    process.off('SIGUSR1', checkpoint);
    for (const signal of endSignals) process.off(signal, request);
  };
}
