import { Data, f32Of, i32Of } from '../data.js';
import { type NumericRow, row } from '../row.js';

const data = new Data(7);
const setting = { scale: 0.5, causal: true, window: 0, softcap: 0 };
const all = ['q', 'k', 'v'] as const;

/** q [B,T,heads,D], k and v [B,S,groups,D] with segments as given. */
function qkv(
  [batch, length, heads, width]: readonly [number, number, number, number],
  groups = heads,
  keys = length,
) {
  return {
    q: data.normal([batch, length, heads, width]),
    k: data.normal([batch, keys, groups, width]),
    v: data.normal([batch, keys, groups, width]),
  };
}

const packed = i32Of([2, 5], [1, 1, 2, 2, 2, 1, 1, 1, 0, 0]); // two documents; one document and padding
const leftPadded = i32Of([2, 5], [0, 0, 1, 1, 1, 0, 1, 1, 1, 1]);
const one = (batch: number, length: number) =>
  i32Of([batch, length], new Array<number>(batch * length).fill(1));

export const attentionRows: NumericRow[] = [
  row(
    'rope',
    'of whole heads',
    {
      x: data.normal([2, 3, 2, 6]),
      positions: i32Of([2, 3], [0, 1, 2, 0, 0, 5]),
      inv_freq: f32Of([3], [1, 0.1, 0.01]),
    },
    {
      attributes: { interleaved: false, inverse: false, scale: 1 },
      gradient: ['x'],
    },
  ),
  row(
    'rope',
    'of interleaved pairs, backwards',
    { x: data.normal([1, 4, 3, 4]), positions: i32Of([1, 4], [3, 2, 1, 0]), inv_freq: f32Of([2], [1, 0.25]) },
    {
      attributes: { interleaved: true, inverse: true, scale: 1 },
      gradient: ['x'],
    },
  ),
  row(
    'rope',
    'of a part of each head, scaled',
    { x: data.normal([1, 3, 2, 8]), positions: i32Of([1, 3], [7, 8, 9]), inv_freq: f32Of([2], [1, 0.5]) },
    {
      attributes: { interleaved: false, inverse: false, scale: 1.3 },
      gradient: ['x'],
    },
  ),
  row(
    'rope',
    'far along',
    {
      x: data.normal([1, 2, 1, 4]),
      positions: i32Of([1, 2], [4095, 100_000]),
      inv_freq: f32Of([2], [1, 0.01]),
    },
    {
      attributes: { interleaved: false, inverse: false, scale: 1 },
      tolerance: 1e-2, // the angle itself is rounded to f32: 1e5 * 6e-8
    },
  ),
  row(
    'attention',
    'causal over packed documents and padding',
    {
      ...qkv([2, 5, 2, 4]),
      q_segments: packed,
      k_segments: packed,
    },
    { attributes: setting, gradient: all },
  ),
  row(
    'attention',
    'with grouped heads and left padding',
    {
      ...qkv([2, 5, 6, 4], 2),
      q_segments: leftPadded,
      k_segments: leftPadded,
    },
    { attributes: setting, gradient: all },
  ),
  row(
    'attention',
    'both ways with a window',
    { ...qkv([1, 7, 2, 3]), q_segments: one(1, 7), k_segments: one(1, 7) },
    {
      attributes: { ...setting, causal: false, window: 3 },
      gradient: all,
    },
  ),
  row(
    'attention',
    'causal with a window and a softcap',
    { ...qkv([1, 7, 2, 5], 1), q_segments: one(1, 7), k_segments: one(1, 7) },
    {
      attributes: { ...setting, window: 2, softcap: 1.5 },
      gradient: all,
    },
  ),
  row(
    'attention',
    'with a bias and values of another size',
    {
      q: data.normal([2, 3, 2, 4]),
      k: data.normal([2, 4, 2, 4]),
      v: data.normal([2, 4, 2, 3]),
      q_segments: one(2, 3),
      k_segments: one(2, 4),
      bias: data.normal([2, 3, 4]),
    },
    { attributes: { ...setting, causal: false }, gradient: ['q', 'k', 'v', 'bias'] },
  ),
  row(
    'attention',
    'of one query into a cache',
    {
      ...qkv([2, 1, 4, 4], 2, 6),
      q_segments: i32Of([2, 1], [1, 1]),
      k_segments: i32Of([2, 6], [1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0]),
      q_start: i32Of([1], [3]),
    },
    { attributes: setting },
  ),
  row(
    'attention',
    'of one query a row, each at its own place of a longer cache than a block',
    {
      ...qkv([2, 1, 6, 20], 3, 300),
      q_segments: one(2, 1),
      k_segments: one(2, 300),
      q_start: i32Of([2], [290, 4]),
    },
    { attributes: { ...setting, scale: 0.2, window: 280 } },
  ),
  row(
    'attention',
    'of one query of wide heads, with a bias, a softcap and a key of another segment',
    {
      ...qkv([2, 1, 4, 84], 2, 70),
      q_segments: one(2, 1),
      k_segments: i32Of([2, 70], [...Array<number>(7).fill(0), ...Array<number>(133).fill(1)]),
      q_start: i32Of([2], [69, 32]),
      bias: data.normal([4, 1, 70]),
    },
    { attributes: { ...setting, scale: 0.1, softcap: 1.5 } },
  ),
  row(
    'attention',
    'of a few queries a row, each at its own place of a cache',
    {
      ...qkv([2, 3, 2, 8], 1, 40),
      q_segments: one(2, 3),
      k_segments: one(2, 40),
      q_start: i32Of([2], [30, 0]),
    },
    { attributes: setting },
  ),
  row(
    'attention',
    'where a query sees nothing',
    {
      ...qkv([1, 3, 1, 2]),
      q_segments: i32Of([1, 3], [0, 2, 1]),
      k_segments: i32Of([1, 3], [1, 1, 1]),
    },
    { attributes: { ...setting, causal: false }, gradient: all },
  ),
  row(
    'attention',
    'with scores that differ by hundreds',
    {
      q: data.normal([1, 4, 1, 4], 20),
      k: data.normal([1, 4, 1, 4], 20),
      v: data.normal([1, 4, 1, 4]),
      q_segments: one(1, 4),
      k_segments: one(1, 4),
    },
    { attributes: setting, tolerance: 1e-4 },
  ), // scores near 1000 carry 1000 * 6e-8 into the exponent
  row(
    'attention',
    'past the blocks of a kernel',
    {
      ...qkv([2, 139, 4, 24], 2),
      q_segments: i32Of(
        [2, 139],
        Array.from({ length: 278 }, (_, i) => (i < 61 ? 1 : i < 139 ? 2 : i < 260 ? 3 : 0)),
      ),
      k_segments: i32Of(
        [2, 139],
        Array.from({ length: 278 }, (_, i) => (i < 61 ? 1 : i < 139 ? 2 : i < 260 ? 3 : 0)),
      ),
    },
    { attributes: { ...setting, scale: 0.2 }, gradient: all, finiteDifferences: false, tolerance: 1e-5 },
  ),
  row(
    'attention',
    'past the blocks with a window',
    {
      ...qkv([1, 150, 2, 16]),
      q_segments: one(1, 150),
      k_segments: one(1, 150),
    },
    {
      attributes: { ...setting, scale: 0.25, window: 40 },
      gradient: all,
      finiteDifferences: false,
      tolerance: 1e-5,
    },
  ),
  row(
    'cache_write',
    'in the middle',
    { cache: data.normal([2, 5, 3]), x: data.normal([2, 2, 3]), start: i32Of([1], [2]) },
    {
      tolerance: 0,
    },
  ),
  row(
    'cache_write',
    'at a place of its own for each row',
    { cache: data.normal([3, 5, 2]), x: data.normal([3, 2, 2]), start: i32Of([3], [0, 3, 1]) },
    {
      tolerance: 0,
    },
  ),
  row(
    'cache_write',
    'at the very end, with heads',
    { cache: data.normal([1, 4, 2, 2]), x: data.normal([1, 1, 2, 2]), start: i32Of([1], [3]) },
    {
      tolerance: 0,
    },
  ),
];
