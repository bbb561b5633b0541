import type { RefArray } from './array.js';
import type { Kernels } from './kernel.js';

const nf4 = [
  -1, -0.6961928, -0.52507305, -0.39491749, -0.28444138, -0.18477343, -0.09105004, 0, 0.0795803, 0.1609302,
  0.2461123, 0.33791524, 0.44070983, 0.562617, 0.72295684, 1,
];

/** Element (row, column) of weights whose rows are `padded` columns wide. */
function weightAt(
  codes: RefArray,
  scales: RefArray,
  format: string,
  padded: number,
  row: number,
  column: number,
) {
  const scale = scales.data[row * (padded / 64) + Math.floor(column / 64)]!;
  if (format === 'int8') {
    const within = column % 64;
    const byte = row * padded + column - within + 4 * (within % 16) + Math.floor(within / 16);
    const code = codes.data[byte]!;
    return scale * (code > 127 ? code - 256 : code);
  }
  const within = column % 128;
  const nibble = Math.floor(within / 16);
  const byte =
    (row * padded) / 2 + Math.floor(column / 128) * 64 + 4 * (within % 16) + Math.floor(nibble / 2);
  const code = codes.data[byte]!;
  return scale * nf4[nibble % 2 === 1 ? code >> 4 : code & 15]!;
}

export const quantizedKernels: Kernels<'quantized_matmul'> = {
  quantized_matmul: ({ x, codes, scales, bias, offsets }, { y }, { format, columns, trans_b: transB }) => {
    const n = codes.shape.at(-2)!;
    const padded = Math.ceil(columns / 128) * 128;
    const [inner, outer] = transB ? [columns, n] : [n, columns];
    const rows = x.data.length / inner;
    for (let r = 0; r < rows; r++) {
      const expert = offsets ? offsets.data.findLastIndex((first) => first <= r) : 0;
      if (offsets && expert >= codes.shape[0]!) continue; // a row of no expert
      for (let j = 0; j < outer; j++) {
        let sum = bias?.data[j] ?? 0;
        for (let k = 0; k < inner; k++) {
          const [row, column] = transB ? [j, k] : [k, j];
          sum += x.data[r * inner + k]! * weightAt(codes, scales, format, padded, expert * n + row, column);
        }
        y.data[r * outer + j] = sum;
      }
    }
  },
};
