import { join } from 'node:path';
import { FileHashes } from './file-hashes.js';
import { type StepNeed, StepResources } from './step-resources.js';

/**
 * What the pipelines of one command, the jobs of a sweep, have in common: cores and memory, hashes of files, and steps that
 * one of them makes while others wait to take them.
 */
export class SharedSteps {
  readonly hashes: FileHashes;
  private readonly resources = new StepResources();
  /** Step key -> the pipeline that decides on it or makes it. */
  private readonly inHand = new Map<string, object>();
  private change = signal();

  constructor(root: string) {
    this.hashes = new FileHashes(join(root, 'outputs', 'file-hashes.json'));
  }

  /** Gives false where another pipeline has it in hand. */
  claim(key: string, pipeline: object): boolean {
    const holder = this.inHand.get(key) ?? pipeline;
    this.inHand.set(key, holder);
    return holder === pipeline;
  }

  release(key: string, pipeline: object): void {
    if (this.inHand.get(key) !== pipeline) return;
    this.inHand.delete(key);
    this.tell();
  }

  /** Of a pipeline that ends. */
  releaseAll(pipeline: object): void {
    for (const key of this.inHand.keys()) this.release(key, pipeline);
  }

  take(need: StepNeed): Promise<boolean> {
    return this.resources.take(need);
  }

  give(need: StepNeed): void {
    this.resources.give(need);
    this.tell();
  }

  /** Resolves when something was released or given back after this call. */
  changed(): Promise<void> {
    return this.change.promise;
  }

  private tell(): void {
    const { resolve } = this.change;
    this.change = signal();
    resolve();
  }
}

function signal(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}
