import { Data, i32Of } from '../data.js';
import { type NumericRow, row } from '../row.js';

const data = new Data(8);
const both = ['h', 'w'] as const;

/** The compiler makes a loss and its gradient one op where it can, so both forms are here by themselves too. */
const gradientRows = [
  { name: 'with weighted and masked tokens', tokens: 6, words: 9, width: 5, softcap: 0 },
  { name: 'with capped logits', tokens: 7, words: 5, width: 3, softcap: 1.5 },
  { name: 'past one chunk of tokens and tiles of words', tokens: 1100, words: 1031, width: 4, softcap: 0 },
].flatMap(({ name, tokens, words, width, softcap }) => {
  const inputs = {
    h: data.normal([tokens, width]),
    w: data.normal([words, width]),
    labels: data.ints([tokens], -3, words),
    dloss: data.normal([tokens]),
  };
  const options = { attributes: { softcap }, tolerance: 1e-5 };
  return [
    row('linear_cross_entropy_train', name, inputs, options),
    row(
      'accumulate_linear_cross_entropy_train',
      name,
      { ...inputs, dw: data.normal([words, width]) },
      options,
    ),
    row('linear_cross_entropy_grad', name, { ...inputs, lse: data.uniform([tokens], 6, 8) }, options),
  ];
});

export const lossRows: NumericRow[] = [
  ...gradientRows,
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
