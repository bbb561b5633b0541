import { createHash } from 'node:crypto';

/** A seeded source of random numbers. Streams of different purposes are independent of each other. */
export class Random {
  private readonly state: Uint32Array;

  /** `new Random(seed, 'epoch', 3)`: the purpose names the stream. */
  constructor(seed: number, ...purpose: (string | number)[]) {
    const digest = createHash('sha256')
      .update(JSON.stringify([seed, ...purpose]))
      .digest();
    this.state = new Uint32Array(4);
    for (let i = 0; i < 4; i++) this.state[i] = digest.readUInt32LE(4 * i);
  }

  /** Uniform in [0, 1) with 32 random bits: one step of the sfc32 generator. */
  next(): number {
    const s = this.state;
    const sum = (s[0]! + s[1]! + s[3]!) >>> 0;
    s[3] = s[3]! + 1;
    s[0] = s[1]! ^ (s[1]! >>> 9);
    s[1] = s[2]! + (s[2]! << 3);
    s[2] = ((s[2]! << 21) | (s[2]! >>> 11)) + sum;
    return sum / 0x1_0000_0000;
  }

  /** Uniform integer in [0, n). */
  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** Shuffles in place (Fisher-Yates) and returns the same array. */
  shuffle<A extends { length: number; [i: number]: unknown }>(items: A): A {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [items[i], items[j]] = [items[j], items[i]];
    }
    return items;
  }
}
