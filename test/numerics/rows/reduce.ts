import { Data, f32Of } from '../data.js';
import { type NumericRow, row } from '../row.js';

const data = new Data(2);

export const reduceRows: NumericRow[] = [
  row(
    'sum',
    'over everything',
    { x: data.normal([3, 5, 7]) },
    {
      attributes: { axes: [0, 1, 2], keepdims: false },
      gradient: ['x'],
    },
  ),
  row(
    'sum',
    'over the middle axis',
    { x: data.normal([3, 5, 7]) },
    {
      attributes: { axes: [1], keepdims: false },
      gradient: ['x'],
    },
  ),
  row(
    'sum',
    'over the outer axes, kept',
    { x: data.normal([4, 3, 5]) },
    {
      attributes: { axes: [0, 2], keepdims: true },
      gradient: ['x'],
    },
  ),
  row(
    'sum',
    'over an axis of size 1',
    { x: data.normal([4, 1]) },
    { attributes: { axes: [1], keepdims: false } },
  ),
  row(
    'sum',
    'of a hundred thousand numbers that nearly cancel',
    { x: data.normal([100_003]) },
    {
      attributes: { axes: [0], keepdims: false },
      tolerance: 1e-6, // 1e5 numbers: naive f32 summation would miss this
    },
  ),
  row(
    'sum',
    'down long columns',
    { x: data.normal([3001, 9]) },
    { attributes: { axes: [0], keepdims: false } },
  ),
  row(
    'max',
    'along the last axis',
    { x: data.normal([6, 9]) },
    {
      attributes: { axis: 1, keepdims: false },
      gradient: ['x'],
      tolerance: 0,
    },
  ),
  row(
    'max',
    'along the first axis, kept',
    { x: data.normal([6, 2, 3]) },
    {
      attributes: { axis: 0, keepdims: true },
      gradient: ['x'],
      tolerance: 0,
    },
  ),
  row(
    'max',
    'with minus infinity',
    { x: f32Of([2, 2], [-Infinity, -1, -Infinity, -Infinity]) },
    {
      attributes: { axis: 1, keepdims: false },
      tolerance: 0,
    },
  ),
  row(
    'argmax',
    'takes the first of equals',
    { x: f32Of([2, 4], [1, 3, 3, 0, -1, -1, -2, -1]) },
    {
      attributes: { axis: 1 },
      tolerance: 0,
    },
  ),
  row(
    'argmax',
    'along the first axis',
    { x: data.normal([7, 3]) },
    { attributes: { axis: 0 }, tolerance: 0 },
  ),
  row('softmax', 'of odd rows', { x: data.normal([3, 4, 11], 3) }, { gradient: ['x'] }),
  row('softmax', 'of one column', { x: data.normal([5, 1]) }, { gradient: ['x'] }),
  row('softmax', 'of far-apart and masked numbers', {
    x: f32Of([2, 3], [1000, 999, -1000, -Infinity, 0, -Infinity]),
  }),
  row('softmax_grad', 'of odd rows', { dy: data.normal([4, 13]), y: data.uniform([4, 13]) }),
  row('log_softmax', 'of odd rows', { x: data.normal([5, 17], 3) }, { gradient: ['x'] }),
  row('log_softmax', 'of far-apart numbers', { x: f32Of([1, 3], [1000, 0, -1000]) }, { tolerance: 1e-6 }),
  row('log_softmax_grad', 'of odd rows', { dy: data.normal([4, 13]), y: data.uniform([4, 13], -4, -1) }),
  row(
    'sum_squares',
    'of three shapes',
    { x: [data.normal([5]), data.normal([3, 4]), f32Of([], [2])] },
    { gradient: ['x'] },
  ),
  row('sum_squares', 'past one piece', { x: [data.normal([70_001]), data.normal([3])] }),
];
