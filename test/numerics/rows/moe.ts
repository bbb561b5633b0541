import { Data, i32Of } from '../data.js';
import { type NumericRow, row } from '../row.js';

const data = new Data(9);
// 4 tokens, 2 choices each, one of them unused; expert 1 gets nothing.
const indices = i32Of([4, 2], [2, 0, 0, 2, 3, -1, 0, 3]);
const order = i32Of([8], [1, 2, 6, 0, 3, 4, 7, -1]);
const inverse = i32Of([8], [3, 0, 1, 4, 5, -1, 2, 6]);

export const moeRows: NumericRow[] = [
  row(
    'moe_dispatch',
    'with an idle expert and an unused choice',
    { indices },
    {
      attributes: { experts: 5 },
      tolerance: 0,
    },
  ),
  row(
    'moe_dispatch',
    'of one choice each',
    { indices: i32Of([6, 1], [1, 0, 1, 1, 0, 1]) },
    {
      attributes: { experts: 2 },
      tolerance: 0,
    },
  ),
  row(
    'moe_dispatch',
    'of many tokens',
    { indices: data.ints([1500, 4], 0, 16) },
    {
      attributes: { experts: 16 },
      tolerance: 0,
    },
  ),
  row(
    'moe_gather',
    'with an unused choice',
    { x: data.normal([4, 3]), order },
    {
      attributes: { k: 2 },
      saved: { inverse },
      gradient: ['x'],
      tolerance: 1e-6,
    },
  ),
  row(
    'moe_gather_grad',
    'with an unused choice',
    { dy: data.normal([8, 3]), inverse },
    { attributes: { k: 2 } },
  ),
  row(
    'moe_combine',
    'with an unused choice',
    { rows: data.normal([8, 5]), inverse, weights: data.normal([4, 2]) },
    {
      saved: { order },
      gradient: ['rows', 'weights'],
    },
  ),
  row('moe_combine_grad', 'with an unused choice', {
    dy: data.normal([4, 5]),
    rows: data.normal([8, 5]),
    inverse,
    weights: data.normal([4, 2]),
    order,
  }),
];
