import { Data, i32Of } from '../data.js';
import { type NumericRow, row } from '../row.js';

const data = new Data(8);
const both = ['h', 'w'] as const;

export const lossRows: NumericRow[] = [
  row(
    'linear_cross_entropy',
    'with masked tokens',
    {
      h: data.normal([5, 4]),
      w: data.normal([7, 4]),
      labels: i32Of([5], [3, -100, 0, 6, -100]),
    },
    { attributes: { softcap: 0 }, gradient: both },
  ),
  row(
    'linear_cross_entropy',
    'with capped logits',
    {
      h: data.normal([4, 6]),
      w: data.normal([9, 6]),
      labels: i32Of([4], [8, 0, -1, 2]),
    },
    { attributes: { softcap: 2 }, gradient: both },
  ),
  row(
    'linear_cross_entropy',
    'where every token is masked',
    {
      h: data.normal([3, 4]),
      w: data.normal([5, 4]),
      labels: i32Of([3], [-100, -100, -100]),
    },
    { attributes: { softcap: 0 }, gradient: both },
  ),
  row(
    'linear_cross_entropy',
    'with logits of hundreds',
    {
      h: data.normal([3, 8], 12),
      w: data.normal([11, 8], 12),
      labels: i32Of([3], [0, 10, 4]),
    },
    { attributes: { softcap: 0 }, tolerance: 1e-5 },
  ),
  row(
    'linear_cross_entropy',
    'past one chunk of tokens and parts of the vocabulary',
    {
      h: data.normal([1100, 8]),
      w: data.normal([213, 8]),
      labels: data.ints([1100], -20, 213),
    },
    { attributes: { softcap: 0 }, gradient: both, finiteDifferences: false, tolerance: 1e-5 },
  ),
];
