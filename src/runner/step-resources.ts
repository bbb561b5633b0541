import { availableParallelism } from 'node:os';

// Of a stage's process beside what its programs plan: Node.js, the modules, buffers being read.
export const processBytes = 256 * 2 ** 20;
// Counted for a step that says nothing of its memory and never ran here.
const unknownBytes = 2 ** 30;
// Of what is free: the rest is for what no plan counts.
export const usableShare = 0.95;

/**
 * Threads of a step: what its config says, all cores where it says null, one where its stage has no such setting. Never
 * what happens to be free: with another number of threads sums are rounded otherwise, and a step's result must not
 * depend on what ran beside it.
 */
export function threadsOf(config: Record<string, unknown>, cores = availableParallelism()): number {
  if (!('threads' in config)) return 1;
  return typeof config.threads === 'number' ? config.threads : cores;
}

/** Which steps may run side by side: as long as cores, memory and the limit last. A step by itself may always run. */
export class StepResources {
  private readonly limit: number;
  private readonly cores: number;
  private readonly available: () => number;
  private readonly threads = new Map<string, number>();
  private free = 0;

  /** `limit`: `max_parallel` of the pipeline; null: none. `available`: bytes free now. */
  constructor(
    limit: number | null,
    cores = availableParallelism(),
    available: () => number = () => process.availableMemory(),
  ) {
    this.limit = limit ?? Number.POSITIVE_INFINITY;
    this.cores = cores;
    this.available = available;
  }

  get running(): readonly string[] {
    return [...this.threads.keys()];
  }

  letThreads(threads: number): boolean {
    const taken = [...this.threads.values()].reduce((sum, each) => sum + each, 0);
    return this.threads.size === 0 || (this.threads.size < this.limit && taken + threads <= this.cores);
  }

  /** `bytes`: what the steps that run and the one that would join them need; null where it is unknown. */
  letMemory(bytes: readonly (number | null)[]): boolean {
    const planned = bytes.reduce<number>((sum, each) => sum + (each ?? unknownBytes), 0);
    return this.threads.size === 0 || planned <= usableShare * this.free;
  }

  take(step: string, threads: number): void {
    // What runs takes its part by and by: free is what was free before any of it.
    if (this.threads.size === 0) this.free = this.available();
    this.threads.set(step, threads);
  }

  give(step: string): void {
    this.threads.delete(step);
  }
}
