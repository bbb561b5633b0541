import { Data, f32Of } from '../data.js';
import { type NumericRow, row } from '../row.js';

const data = new Data(11);
const setting = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.1, stream: 3 };
const moments = () => ({
  param: data.normal([7, 5]),
  grad: data.normal([7, 5]),
  m: data.normal([7, 5]),
  v: data.uniform([7, 5]),
});

export const optimizerRows: NumericRow[] = [
  row('assign', 'of odd length', { state: data.normal([3, 5]), x: data.normal([3, 5]) }, { tolerance: 0 }),
  row('fill', 'of odd length', { state: data.normal([3, 5]) }, { attributes: { value: 0.75 }, tolerance: 0 }),
  row(
    'accumulate',
    'of odd length',
    { state: data.normal([3, 5]), x: data.normal([3, 5]) },
    { tolerance: 1e-7 },
  ),
  row(
    'adamw',
    'at its first step',
    {
      ...moments(),
      m: f32Of([7, 5], new Array<number>(35).fill(0)),
      v: f32Of([7, 5], new Array<number>(35).fill(0)),
      scalars: f32Of([3], [1e-2, 1, 1]),
    },
    { attributes: setting },
  ),
  row(
    'adamw',
    'later, with a clipped gradient',
    { ...moments(), scalars: f32Of([3], [3e-3, 100, 0.25]) },
    {
      attributes: { ...setting, weight_decay: 0 },
    },
  ),
];
