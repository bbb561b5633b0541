import { Data, i32Of } from '../data.js';
import { type NumericRow, row } from '../row.js';

const data = new Data(5);
const plain = { trans_a: false, trans_b: false };
const both = ['a', 'b'] as const;
const offsets = i32Of([5], [0, 3, 3, 7, 8]); // expert 1 has no row; rows past 8 belong to none

const layouts = [false, true].flatMap((trans_a) => [false, true].map((trans_b) => ({ trans_a, trans_b })));

export const matmulRows: NumericRow[] = [
  ...layouts.map(({ trans_a, trans_b }) =>
    row(
      'accumulate_matmul',
      `a ${trans_a ? 'transposed' : 'plain'}, b ${trans_b ? 'transposed' : 'plain'}`,
      {
        state: data.normal([5, 3]),
        a: data.normal(trans_a ? [7, 5] : [5, 7]),
        b: data.normal(trans_b ? [3, 7] : [7, 3]),
      },
      { attributes: { trans_a, trans_b } },
    ),
  ),
  row(
    'matmul_sum',
    'of two products, one as an adapter has it, with bias and addend',
    {
      addend: data.normal([2, 7, 37]),
      bias: data.normal([37]),
      factors: [data.normal([2, 7, 24]), data.normal([37, 24]), data.normal([2, 7, 3]), data.normal([3, 37])],
    },
    { attributes: { trans_b: [1, 0] } },
  ),
  row(
    'matmul_sum',
    'of a single product and an addend',
    { addend: data.normal([5, 33]), factors: [data.normal([5, 8]), data.normal([8, 33])] },
    { attributes: { trans_b: [0] } },
  ),
  row(
    'matmul_sum',
    'of eight products, some of depth 0',
    {
      factors: [9, 0, 1, 16, 2, 33, 5, 0].flatMap((depth, term) => [
        data.normal([13, depth]),
        data.normal(term % 2 === 1 ? [17, depth] : [depth, 17]),
      ]),
    },
    { attributes: { trans_b: [0, 1, 0, 1, 0, 1, 0, 1] } },
  ),
  row(
    'matmul_sum',
    'of nothing but a bias',
    { bias: data.normal([3]), factors: [data.normal([4, 0]), data.normal([3, 0])] },
    { attributes: { trans_b: [1] } },
  ),
  row(
    'matmul_sum',
    'of more than one tile, deeper than a block',
    {
      addend: data.normal([300, 40]),
      factors: [
        data.normal([300, 1500], 0.05),
        data.normal([1500, 40], 0.05),
        data.normal([300, 700], 0.05),
        data.normal([40, 700], 0.05),
      ],
    },
    { attributes: { trans_b: [0, 1] } },
  ),
  row(
    'matmul',
    'plain',
    { a: data.normal([5, 7]), b: data.normal([7, 3]) },
    { attributes: plain, gradient: both },
  ),
  row(
    'matmul',
    'of a row and a column',
    { a: data.normal([1, 9]), b: data.normal([9, 1]) },
    {
      attributes: plain,
      gradient: both,
    },
  ),
  row(
    'matmul',
    'with weights [out,in], bias and leading axes',
    {
      a: data.normal([2, 3, 5]),
      b: data.normal([4, 5]),
      bias: data.normal([4]),
    },
    { attributes: { trans_a: false, trans_b: true }, gradient: ['a', 'b', 'bias'] },
  ),
  row(
    'matmul',
    'with a transposed',
    { a: data.normal([6, 4]), b: data.normal([6, 3]) },
    {
      attributes: { trans_a: true, trans_b: false },
      gradient: both,
    },
  ),
  row(
    'matmul',
    'with both transposed',
    { a: data.normal([6, 4]), b: data.normal([3, 6]) },
    {
      attributes: { trans_a: true, trans_b: true },
      gradient: both,
    },
  ),
  row(
    'matmul',
    'in batches',
    { a: data.normal([2, 3, 4, 5]), b: data.normal([2, 3, 5, 2]) },
    {
      attributes: plain,
      gradient: both,
    },
  ),
  row(
    'matmul',
    'in batches with b transposed',
    { a: data.normal([3, 4, 5]), b: data.normal([3, 2, 5]) },
    {
      attributes: { trans_a: false, trans_b: true },
      gradient: both,
    },
  ),
  row(
    'matmul',
    'in batches with both transposed',
    { a: data.normal([3, 5, 4]), b: data.normal([3, 2, 5]) },
    {
      attributes: { trans_a: true, trans_b: true },
      gradient: both,
    },
  ),
  row(
    'matmul',
    'past the blocks of a kernel',
    { a: data.normal([131, 77]), b: data.normal([101, 77]) },
    {
      attributes: { trans_a: false, trans_b: true },
      gradient: both,
      finiteDifferences: false,
      tolerance: 1e-5, // relative to the largest result; sums of 131 products
    },
  ),
  row(
    'matmul',
    'deeper than what is fetched ahead, with a bias',
    { a: data.normal([130, 168]), b: data.normal([136, 168]), bias: data.normal([136]) },
    {
      attributes: { trans_a: false, trans_b: true },
      gradient: [...both, 'bias'],
      finiteDifferences: false,
      tolerance: 1e-5, // relative to the largest result; sums of 168 products
    },
  ),
  row(
    'grouped_matmul',
    'of experts with 0, 1, 127 and 129 rows, of odd sizes',
    {
      x: data.normal([259, 43]),
      w: data.normal([4, 43, 37]),
      offsets: i32Of([5], [0, 0, 1, 128, 257]),
    },
    { attributes: { trans_b: false }, gradient: ['x', 'w'], finiteDifferences: false, tolerance: 1e-5 },
  ),
  row(
    'grouped_matmul',
    'of more experts than a subgroup has threads',
    {
      x: data.normal([40, 16]),
      w: data.normal([35, 8, 16]),
      offsets: i32Of([36], [...new Array(33).fill(0), 1, 2, 40]),
    },
    { attributes: { trans_b: true }, gradient: ['x', 'w'], finiteDifferences: false },
  ),
  row(
    'grouped_matmul',
    'with an idle expert and rows of none',
    {
      x: data.normal([10, 6]),
      w: data.normal([4, 6, 3]),
      offsets,
    },
    { attributes: { trans_b: false }, gradient: ['x', 'w'] },
  ),
  row(
    'grouped_matmul',
    'with weights [out,in]',
    { x: data.normal([10, 6]), w: data.normal([4, 5, 6]), offsets },
    {
      attributes: { trans_b: true },
      gradient: ['x', 'w'],
    },
  ),
  row(
    'grouped_matmul',
    'with all rows on one expert',
    {
      x: data.normal([40, 17]),
      w: data.normal([3, 9, 17]),
      offsets: i32Of([4], [0, 0, 40, 40]),
    },
    { attributes: { trans_b: true }, gradient: ['x', 'w'], finiteDifferences: false },
  ),
  row(
    'grouped_matmul',
    'without any row',
    { x: data.normal([4, 3]), w: data.normal([2, 3, 2]), offsets: i32Of([3], [0, 0, 0]) },
    {
      attributes: { trans_b: false },
      gradient: ['x', 'w'],
      tolerance: 0,
    },
  ),
];
