/** What a Ctrl-C (or SIGTERM, SIGHUP) asks for: the first one an orderly end, the second one an end at once. */
export class Interrupt {
  private count = 0;
  private readonly listeners = new Set<(force: boolean) => void>();

  get requested(): boolean {
    return this.count > 0;
  }

  request(): void {
    this.count++;
    for (const listener of this.listeners) listener(this.count > 1);
  }

  /** Gives the function that ends the listening. */
  on(listener: (force: boolean) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

/** Turns the signals of this process into requests; gives the function that ends it. */
export function catchSignals(interrupt: Interrupt): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const request = () => interrupt.request();
  for (const signal of signals) process.on(signal, request);
  return () => {
    for (const signal of signals) process.off(signal, request);
  };
}
