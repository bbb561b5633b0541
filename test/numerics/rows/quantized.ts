import type { QuantizedFormat } from '../../../src/graph/index.js';
import { quantizeRows } from '../../../src/models/index.js';
import { Data, f32Of, type Given, i32Of } from '../data.js';
import { type NumericRow, row } from '../row.js';

const data = new Data(23);

/** Normal weights [...,N,K] as codes and scales. */
function weights(format: QuantizedFormat, shape: readonly number[]): { codes: Given; scales: Given } {
  const rows = shape.slice(0, -1);
  const count = rows.reduce((product, size) => product * size, 1);
  const { codes, scales } = quantizeRows(format, Float32Array.from(data.normal(shape).values), count);
  return {
    codes: { dtype: 'u8', shape: [...rows, codes.length / count], values: [...codes] },
    scales: f32Of([...rows, scales.length / count], [...scales]),
  };
}

export const quantizedRows: NumericRow[] = (['int8', 'nf4'] as const).flatMap((format) => [
  row(
    'quantized_matmul',
    `of one row of ${format}, with a bias`,
    { x: data.normal([1, 75]), ...weights(format, [13, 75]), bias: data.normal([13]) },
    { attributes: { format, columns: 75, trans_b: true }, tolerance: 5e-6 },
  ),
  row(
    'quantized_matmul',
    `of a few rows of ${format} with leading axes, past a group of columns`,
    { x: data.normal([2, 3, 150]), ...weights(format, [7, 150]) },
    { attributes: { format, columns: 150, trans_b: true }, gradient: ['x'], tolerance: 5e-6 },
  ),
  row(
    'quantized_matmul',
    `of many rows of ${format}, with a bias`,
    { x: data.normal([37, 130]), ...weights(format, [19, 130]), bias: data.normal([19]) },
    {
      attributes: { format, columns: 130, trans_b: true },
      gradient: ['x'],
      finiteDifferences: false,
      tolerance: 5e-6,
    },
  ),
  row(
    'quantized_matmul',
    `past the tiles of a kernel, in ${format}`,
    { x: data.normal([530, 520]), ...weights(format, [270, 520]) },
    {
      attributes: { format, columns: 520, trans_b: true },
      gradient: ['x'],
      finiteDifferences: false,
      tolerance: 2e-5,
    },
  ),
  row(
    'quantized_matmul',
    `of rows grouped by expert, in ${format}`,
    {
      x: data.normal([10, 40]),
      ...weights(format, [4, 6, 40]),
      offsets: i32Of([5], [0, 3, 3, 7, 8]), // expert 1 has no row; rows past 8 belong to none
    },
    { attributes: { format, columns: 40, trans_b: true }, gradient: ['x'], tolerance: 5e-6 },
  ),
]);
