import { Data } from '../data.js';
import { type NumericRow, row } from '../row.js';

const data = new Data(3);
const exact = { gradient: ['x'], tolerance: 0 } as const;

export const shapeRows: NumericRow[] = [
  row('transpose', 'of a matrix', { x: data.normal([5, 7]) }, { attributes: { perm: [1, 0] }, ...exact }),
  row(
    'transpose',
    'of heads and tokens',
    { x: data.normal([2, 3, 4, 5]) },
    { attributes: { perm: [0, 2, 1, 3] }, ...exact },
  ),
  row(
    'transpose',
    'that turns three axes',
    { x: data.normal([3, 1, 5]) },
    { attributes: { perm: [2, 0, 1] }, ...exact },
  ),
  row(
    'transpose',
    'past one tile',
    { x: data.normal([67, 131]) },
    { attributes: { perm: [1, 0] }, tolerance: 0 },
  ),
  row(
    'slice',
    'of the middle axis',
    { x: data.normal([3, 6, 2]) },
    {
      attributes: { axis: 1, start: 2, stop: 5 },
      ...exact,
    },
  ),
  row(
    'slice',
    'of the last row',
    { x: data.normal([4, 3]) },
    { attributes: { axis: 0, start: 3, stop: 4 }, ...exact },
  ),
  row(
    'pad',
    'on both sides of the last axis',
    { x: data.normal([3, 4]) },
    {
      attributes: { axis: 1, before: 2, after: 1 },
      ...exact,
    },
  ),
  row(
    'pad',
    'after the first axis',
    { x: data.normal([2, 3, 2]) },
    { attributes: { axis: 0, before: 0, after: 3 }, ...exact },
  ),
  row(
    'concat',
    'of unequal parts',
    { x: [data.normal([2, 3]), data.normal([2, 1]), data.normal([2, 4])] },
    {
      attributes: { axis: 1 },
      ...exact,
    },
  ),
  row(
    'concat',
    'along the first axis',
    { x: [data.normal([1, 5]), data.normal([3, 5])] },
    {
      attributes: { axis: 0 },
      ...exact,
    },
  ),
  row('expand', 'to a higher rank', { x: data.normal([4]) }, { attributes: { shape: [2, 3, 4] }, ...exact }),
  row(
    'expand',
    'of inner and outer axes',
    { x: data.normal([1, 3, 1]) },
    { attributes: { shape: [2, 3, 5] }, ...exact },
  ),
  row('full', 'of floats', {}, { attributes: { shape: [3, 5], value: 0.1, dtype: 'f32' }, tolerance: 1e-7 }),
  row('full', 'of whole numbers', {}, { attributes: { shape: [7], value: -3, dtype: 'i32' }, tolerance: 0 }),
];
