import { Data, f32Of, i32Of } from '../data.js';
import { type NumericRow, row } from '../row.js';

const data = new Data(1);
const exact = 0;
const extremes = f32Of([9], [-100, -20, -1e-8, -0, 0, 1e-8, 20, 100, 3.5]);

export const elementwiseRows: NumericRow[] = [
  row('neg', 'of odd length', { x: data.normal([3, 37]) }, { gradient: ['x'], tolerance: exact }),
  row('exp', 'from tiny to large results', { x: data.uniform([67], -80, 3) }, { gradient: ['x'] }),
  row('exp', 'past the range of f32 becomes 0', { x: f32Of([3], [-200, -110, 0]) }),
  row('log', 'of tiny and large numbers', { x: f32Of([5], [1e-30, 0.01, 1, 2.5, 1e30]) }),
  row('log', 'of odd length', { x: data.uniform([5, 13], 0.2, 4) }, { gradient: ['x'] }),
  row('sqrt', 'of a scalar', { x: f32Of([], [2]) }, { gradient: ['x'] }),
  row('rsqrt', 'of odd length', { x: data.uniform([33], 0.3, 5) }, { gradient: ['x'] }),
  row('reciprocal', 'of both signs', { x: data.awayFromZero([17], 0.5) }, { gradient: ['x'] }),
  row('square', 'of odd length', { x: data.normal([7, 5]) }, { gradient: ['x'] }),
  row('tanh', 'at its limits', { x: extremes }),
  row('tanh', 'of odd length', { x: data.normal([31]) }, { gradient: ['x'] }),
  row('sigmoid', 'at its limits', { x: extremes }),
  row('sigmoid', 'of odd length', { x: data.normal([31]) }, { gradient: ['x'] }),
  row('relu', 'of both signs', { x: data.awayFromZero([31]) }, { gradient: ['x'], tolerance: exact }),
  row(
    'relu_grad',
    'passes nothing at 0',
    { dy: data.normal([4]), x: f32Of([4], [-1, 0, 1e-20, 2]) },
    { tolerance: exact },
  ),
  row('silu', 'at its limits', { x: extremes }),
  row('silu', 'of odd length', { x: data.normal([3, 21]) }, { gradient: ['x'] }),
  row('silu_grad', 'at the limits', { dy: data.normal([9]), x: extremes }),
  row('gelu', 'exact, at its limits', { x: extremes }, { attributes: { tanh: false } }),
  row('gelu', 'exact', { x: data.normal([43], 2) }, { attributes: { tanh: false }, gradient: ['x'] }),
  row('gelu', 'by tanh', { x: data.normal([43], 2) }, { attributes: { tanh: true }, gradient: ['x'] }),
  row(
    'gelu_grad',
    'exact, at the limits',
    { dy: data.normal([9]), x: extremes },
    { attributes: { tanh: false } },
  ),
  row(
    'gelu_grad',
    'by tanh, at the limits',
    { dy: data.normal([9]), x: extremes },
    { attributes: { tanh: true } },
  ),
  row(
    'affine',
    'of odd length',
    { x: data.normal([5, 7]) },
    { attributes: { scale: -1.5, shift: 0.25 }, gradient: ['x'] },
  ),
  row(
    'clamp',
    'on both sides',
    { x: data.normal([29], 2) },
    {
      attributes: { min: -0.75, max: 1.25 },
      gradient: ['x'],
      tolerance: exact,
    },
  ),
  row(
    'clamp',
    'without an upper end',
    { x: data.normal([29]) },
    {
      attributes: { min: -0.5, max: Infinity },
      tolerance: exact,
    },
  ),
  row(
    'clamp_grad',
    'passes the ends on',
    { dy: data.normal([4]), x: f32Of([4], [-1, -0.5, 0.5, 0.6]) },
    {
      attributes: { min: -0.5, max: 0.5 },
      tolerance: exact,
    },
  ),
  row(
    'cast',
    'from f32 to whole numbers cuts off',
    { x: f32Of([5], [-2.7, -0.5, 0, 1.9, 1e6]) },
    {
      attributes: { dtype: 'i32' },
      tolerance: exact,
    },
  ),
  row(
    'cast',
    'from whole numbers to f32',
    { x: i32Of([4], [-3, 0, 7, 1 << 20]) },
    {
      attributes: { dtype: 'f32' },
      tolerance: exact,
    },
  ),
  row(
    'add',
    'of one shape',
    { a: data.normal([5, 7]), b: data.normal([5, 7]) },
    { gradient: ['a', 'b'], tolerance: 1e-7 },
  ),
  row(
    'add',
    'of a row to every row',
    { a: data.normal([3, 4, 5]), b: data.normal([5]) },
    { gradient: ['a', 'b'] },
  ),
  row(
    'add',
    'of a column and a row',
    { a: data.normal([4, 1]), b: data.normal([1, 6]) },
    { gradient: ['a', 'b'] },
  ),
  row(
    'add',
    'of a higher rank on the right',
    { a: data.normal([1, 3]), b: data.normal([2, 4, 3]) },
    { gradient: ['a', 'b'] },
  ),
  row(
    'sub',
    'with size-1 axes in the middle',
    { a: data.normal([2, 1, 3, 1]), b: data.normal([5, 1, 4]) },
    {
      gradient: ['a', 'b'],
    },
  ),
  row(
    'mul',
    'of six axes',
    { a: data.normal([2, 1, 2, 1, 3, 1]), b: data.normal([1, 2, 1, 2, 1, 3]) },
    {
      gradient: ['a', 'b'],
    },
  ),
  row('mul', 'by a scalar', { a: data.normal([7, 3]), b: f32Of([], [-2.5]) }, { gradient: ['a', 'b'] }),
  row(
    'div',
    'by a column',
    { a: data.normal([6, 5]), b: data.awayFromZero([6, 1], 0.5) },
    { gradient: ['a', 'b'] },
  ),
  row(
    'maximum',
    'with a row',
    { a: data.normal([5, 3]), b: data.normal([3]) },
    { gradient: ['a', 'b'], tolerance: exact },
  ),
  row(
    'minimum',
    'with a scalar',
    { a: data.normal([17]), b: f32Of([1], [0.1]) },
    { gradient: ['a', 'b'], tolerance: exact },
  ),
  row('not_equal', 'of floats', { a: f32Of([4], [0, -0, 1, 2]), b: f32Of([1], [0]) }, { tolerance: exact }),
  row(
    'not_equal',
    'of labels and a number',
    { a: i32Of([2, 3], [1, -100, 3, -100, 0, -100]), b: i32Of([1], [-100]) },
    {
      tolerance: exact,
    },
  ),
  row(
    'greater',
    'with equals',
    { a: f32Of([3, 1], [1, 2, 3]), b: f32Of([3], [1, 2, 3]) },
    { tolerance: exact },
  ),
  row(
    'silu_mul',
    'of odd length',
    { gate: data.normal([5, 11]), up: data.normal([5, 11]) },
    { gradient: ['gate', 'up'] },
  ),
  row('silu_mul', 'at its limits', { gate: extremes, up: data.normal([9]) }, { tolerance: 1e-6 }),
];
