import {
  add,
  affine,
  cast,
  clamp,
  embedding,
  gatherRows,
  reshape,
  sub,
  type Tensor,
  transpose,
} from '../../graph/index.js';

export interface RelativeBiasOptions {
  readonly buckets: number;
  readonly maxDistance: number;
  /** Keys after the query have buckets of their own (encoder). */
  readonly bidirectional: boolean;
}

/**
 * T5's attention bias [heads, queries, keys]: one learnt number per head and bucket of distance.
 *
 * @param table [buckets, heads]
 * @param start i32[1], index of the first query among the keys; null: 0
 */
export function relativeBias(
  table: Tensor,
  queries: number,
  keys: number,
  start: Tensor | null,
  options: RelativeBiasOptions,
): Tensor {
  const { graph } = table;
  const heads = table.shape[1]!;
  // key - query for each place of `byDistance`
  const first = options.bidirectional ? 1 - queries : 1 - keys;
  const count = options.bidirectional ? queries + keys - 1 : keys;
  const buckets = Array.from({ length: count }, (_, i) => bucketOf(first + i, options));
  const byDistance = embedding(table, graph.constant(buckets, [count], 'i32'));
  const query = graph.constant(counting(queries), [queries, 1]);
  const key = graph.constant(counting(keys), [1, keys]);
  const distance = sub(key, start ? add(query, cast(start, 'f32')) : query);
  // keys after the query are masked in a decoder; they take the nearest place there is
  const place = cast(clamp(affine(distance, 1, -first), 0, count - 1), 'i32');
  const rows = gatherRows(byDistance, reshape(place, [-1]));
  return transpose(reshape(rows, [queries, keys, heads]), [2, 0, 1]);
}

/** Bucket of `relative` = key - query: exact up to half of the buckets, then logarithmic up to maxDistance. */
export function bucketOf(
  relative: number,
  { buckets, maxDistance, bidirectional }: RelativeBiasOptions,
): number {
  const count = bidirectional ? buckets / 2 : buckets;
  const offset = bidirectional && relative > 0 ? count : 0;
  const distance = bidirectional ? Math.abs(relative) : Math.max(-relative, 0);
  const exact = Math.floor(count / 2);
  if (distance < exact) return offset + distance;
  // rounded to f32 step by step as the reference does, for the truncation falls on exact powers
  const share = Math.fround(
    Math.fround(Math.log(Math.fround(distance / exact))) / Math.log(maxDistance / exact),
  );
  const large = exact + Math.trunc(Math.fround(share * (count - exact)));
  return offset + Math.min(large, count - 1);
}

const counting = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
