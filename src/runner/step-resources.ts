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

/** What a step takes while it runs. */
export interface StepNeed {
  threads: number;
  /** null where it is unknown. Asked only where there is another step to run beside: planning takes a second. */
  bytes(): Promise<number | null>;
}

/**
 * Which steps may run side by side, of all pipelines of a command: as long as cores and memory last. A step that nothing
 * runs beside is always let in.
 */
export class StepResources {
  private readonly cores: number;
  private readonly available: () => number;
  private readonly running = new Set<StepNeed>();
  /** Bytes that were free before any of it: what runs takes its part by and by. */
  private free = 0;
  /** How often something was taken or given back. */
  private changes = 0;

  /** `available`: bytes free now. */
  constructor(cores = availableParallelism(), available: () => number = () => process.availableMemory()) {
    this.cores = cores;
    this.available = available;
  }

  /** Takes what a step needs; gives false where there is no room. */
  async take(need: StepNeed): Promise<boolean> {
    // Others may come and go while memory is planned.
    for (let before = -1; this.letThreads(need.threads); ) {
      if (this.running.size === 0) this.free = this.available();
      if (this.running.size === 0 || before === this.changes) {
        this.running.add(need);
        this.changes++;
        return true;
      }
      before = this.changes;
      if (!(await this.letMemory([...this.running, need])) && before === this.changes) return false;
    }
    return false;
  }

  give(need: StepNeed): void {
    this.running.delete(need);
    this.changes++;
  }

  private letThreads(threads: number): boolean {
    const taken = [...this.running].reduce((sum, each) => sum + each.threads, 0);
    return this.running.size === 0 || taken + threads <= this.cores;
  }

  private async letMemory(needs: readonly StepNeed[]): Promise<boolean> {
    const bytes = await Promise.all(needs.map((need) => need.bytes()));
    const planned = bytes.reduce<number>((sum, each) => sum + (each ?? unknownBytes), 0);
    return planned <= usableShare * this.free;
  }
}
