import type { RefArray } from './array.js';
import type { Kernels } from './kernel.js';

/** Philox 4x32-10 (Salmon et al., 2011): four 32-bit words from a counter and a key. */
export function philox(counter: readonly number[], key: readonly number[]): number[] {
  let [c0, c1, c2, c3] = counter.map((word) => word >>> 0) as [number, number, number, number];
  let [k0, k1] = key.map((word) => word >>> 0) as [number, number];
  const product = (a: number, b: number) => {
    const whole = BigInt(a) * BigInt(b);
    return { high: Number(whole >> 32n), low: Number(whole & 0xffffffffn) };
  };
  for (let round = 0; round < 10; round++) {
    const first = product(0xd2511f53, c0);
    const second = product(0xcd9e8d57, c2);
    [c0, c1, c2, c3] = [(second.high ^ c1 ^ k0) >>> 0, second.low, (first.high ^ c3 ^ k1) >>> 0, first.low];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** Element `i` of a uniform draw: the top 24 bits of word i%4 of block i/4. */
function uniform(rng: RefArray, stream: number, i: number): number {
  const [low, high, step] = rng.data as unknown as [number, number, number];
  const words = philox([Math.floor(i / 4), stream, step, 0], [low, high]);
  return (words[i % 4]! >>> 8) * 2 ** -24;
}

export const randomKernels: Kernels<'random_normal' | 'random_uniform' | 'dropout'> = {
  // Box-Muller on the pairs (0,1) and (2,3) of a block: cosine for the even element, sine for the odd one.
  random_normal: ({ rng }, { y }, { stream }) => {
    y.data.forEach((_, i) => {
      const first = i - (i % 2);
      const radius = Math.sqrt(-2 * Math.log(1 - uniform(rng, stream, first)));
      const angle = 2 * Math.PI * uniform(rng, stream, first + 1);
      y.data[i] = radius * (i % 2 === 0 ? Math.cos(angle) : Math.sin(angle));
    });
  },
  random_uniform: ({ rng }, { y }, { stream }) => {
    y.data.forEach((_, i) => {
      y.data[i] = uniform(rng, stream, i);
    });
  },
  dropout: ({ x, rng }, { y }, { p, stream }) => {
    y.data.forEach((_, i) => {
      y.data[i] = uniform(rng, stream, i) >= Math.fround(p) ? x.data[i]! / (1 - p) : 0;
    });
  },
};
