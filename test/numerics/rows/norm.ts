import { Data, f32Of } from '../data.js';
import { type NumericRow, row } from '../row.js';

const data = new Data(6);

export const normRows: NumericRow[] = [
  row(
    'rms_norm',
    'of odd width',
    { x: data.normal([2, 3, 7]), weight: data.normal([7]) },
    {
      attributes: { eps: 1e-5, weight_offset: 0 },
      gradient: ['x', 'weight'],
    },
  ),
  row(
    'rms_norm',
    'with weights around zero',
    { x: data.normal([4, 5]), weight: data.normal([5], 0.1) },
    {
      attributes: { eps: 1e-6, weight_offset: 1 },
      gradient: ['x', 'weight'],
    },
  ),
  row(
    'rms_norm',
    'of a row of zeros',
    { x: f32Of([2, 3], [0, 0, 0, 1, -2, 3]), weight: data.normal([3]) },
    {
      attributes: { eps: 1e-5, weight_offset: 0 },
      tolerance: 1e-5, // rstd of the zero row is 316
    },
  ),
  row(
    'rms_norm',
    'past one piece of rows',
    { x: data.normal([300, 64]), weight: data.normal([64]) },
    {
      attributes: { eps: 1e-5, weight_offset: 0 },
      gradient: ['x', 'weight'],
      finiteDifferences: false,
      tolerance: 5e-6,
    },
  ),
  row(
    'layer_norm',
    'of odd width',
    { x: data.normal([3, 9], 1, 2), weight: data.normal([9]), bias: data.normal([9]) },
    {
      attributes: { eps: 1e-5 },
      gradient: ['x', 'weight', 'bias'],
      tolerance: 5e-6,
    },
  ),
  row(
    'layer_norm',
    'without bias',
    { x: data.normal([2, 4, 5]), weight: data.normal([5]) },
    {
      attributes: { eps: 1e-5 },
      gradient: ['x', 'weight'],
      tolerance: 5e-6,
    },
  ),
  row(
    'layer_norm',
    'past one piece of rows',
    { x: data.normal([300, 24]), weight: data.normal([24]), bias: data.normal([24]) },
    {
      attributes: { eps: 1e-5 },
      gradient: ['x', 'weight', 'bias'],
      finiteDifferences: false,
      tolerance: 5e-6,
    },
  ),
];
