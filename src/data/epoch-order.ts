import type { RowOrder } from './batch.js';
import { Random } from './random.js';

/**
 * All rows, again and again, each time in a new order drawn from (seed, `stream`, epoch). The latest permutation is kept, for
 * speed alone.
 */
export function epochOrder(rows: number, ...stream: string[]): RowOrder {
  let latest: { seed: number; epoch: number; order: Uint32Array } | undefined;
  return (seed, place) => {
    const epoch = Math.floor(place / rows);
    if (latest === undefined || latest.seed !== seed || latest.epoch !== epoch) {
      const inOrder = Uint32Array.from({ length: rows }, (_, i) => i);
      latest = { seed, epoch, order: new Random(seed, 'epoch', epoch, ...stream).shuffle(inOrder) };
    }
    return latest.order[place % rows]!;
  };
}
