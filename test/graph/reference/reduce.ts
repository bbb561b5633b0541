import { around, eachIndex, flatOf, type RefArray, rowsOf } from './array.js';
import type { Kernels } from './kernel.js';

/** Calls `row` with the place of each row of the last axis and its width. */
function eachRow(x: RefArray, row: (start: number, width: number) => void): void {
  const [rows, width] = rowsOf(x.shape);
  for (let r = 0; r < rows; r++) row(r * width, width);
}

function logSumExp(values: Float64Array): number {
  const largest = values.reduce((a, b) => Math.max(a, b), -Infinity);
  return largest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - largest), 0));
}

export const reduceKernels: Kernels<
  'sum' | 'max' | 'argmax' | 'softmax' | 'softmax_grad' | 'log_softmax' | 'log_softmax_grad' | 'sum_squares'
> = {
  sum: ({ x }, { y }, { axes }) => {
    const kept = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
    eachIndex(x.shape, (index, flat) => {
      y.data[flatOf(kept, index)]! += x.data[flat]!;
    });
  },
  max: ({ x }, { y }, { axis }) => {
    const [outer, size, inner] = around(x.shape, axis);
    y.data.fill(-Infinity);
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < size; i++) {
        for (let n = 0; n < inner; n++) {
          y.data[o * inner + n] = Math.max(y.data[o * inner + n]!, x.data[(o * size + i) * inner + n]!);
        }
      }
    }
  },
  argmax: ({ x }, { y }, { axis }) => {
    const [outer, size, inner] = around(x.shape, axis);
    for (let o = 0; o < outer; o++) {
      for (let n = 0; n < inner; n++) {
        let best = 0;
        for (let i = 1; i < size; i++) {
          if (x.data[(o * size + i) * inner + n]! > x.data[(o * size + best) * inner + n]!) best = i;
        }
        y.data[o * inner + n] = best;
      }
    }
  },
  softmax: ({ x }, { y }) => {
    eachRow(x, (start, width) => {
      const lse = logSumExp(x.data.subarray(start, start + width));
      for (let i = start; i < start + width; i++) y.data[i] = Math.exp(x.data[i]! - lse);
    });
  },
  softmax_grad: ({ dy, y }, { dx }) => {
    eachRow(y, (start, width) => {
      let dot = 0;
      for (let i = start; i < start + width; i++) dot += dy.data[i]! * y.data[i]!;
      for (let i = start; i < start + width; i++) dx.data[i] = y.data[i]! * (dy.data[i]! - dot);
    });
  },
  log_softmax: ({ x }, { y }) => {
    eachRow(x, (start, width) => {
      const lse = logSumExp(x.data.subarray(start, start + width));
      for (let i = start; i < start + width; i++) y.data[i] = x.data[i]! - lse;
    });
  },
  log_softmax_grad: ({ dy, y }, { dx }) => {
    eachRow(y, (start, width) => {
      const total = dy.data.subarray(start, start + width).reduce((a, b) => a + b, 0);
      for (let i = start; i < start + width; i++) dx.data[i] = dy.data[i]! - Math.exp(y.data[i]!) * total;
    });
  },
  sum_squares: ({ x }, { y }) => {
    for (const part of x) y.data[0]! += part.data.reduce((sum, value) => sum + value * value, 0);
  },
};
