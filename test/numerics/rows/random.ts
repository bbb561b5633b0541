import { Data, i32Of } from '../data.js';
import { type NumericRow, row } from '../row.js';

const data = new Data(10);
const rng = i32Of([4], [-123456789, 42, 7, 0]); // a seed half with its highest bit set

export const randomRows: NumericRow[] = [
  row(
    'random_uniform',
    'of a length that is no multiple of 4',
    { rng },
    {
      attributes: { shape: [3, 7], stream: 5 },
      tolerance: 0,
    },
  ),
  row(
    'random_uniform',
    'past one piece',
    { rng },
    { attributes: { shape: [5003], stream: 1 }, tolerance: 0 },
  ),
  row('random_normal', 'of odd length', { rng }, { attributes: { shape: [1031], stream: 3 } }),
  row(
    'dropout',
    'of a third',
    { x: data.normal([37]), rng },
    {
      attributes: { p: 0.3, stream: 9 },
      gradient: ['x'],
    },
  ),
];
