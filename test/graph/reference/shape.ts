import { around, eachIndex, flatOf, strides } from './array.js';
import type { Kernels } from './kernel.js';

export const shapeKernels: Kernels<'transpose' | 'slice' | 'pad' | 'concat' | 'expand' | 'full'> = {
  transpose: ({ x }, { y }, { perm }) => {
    const steps = strides(x.shape);
    eachIndex(y.shape, (index, flat) => {
      y.data[flat] = x.data[perm.reduce((sum, from, axis) => sum + index[axis]! * steps[from]!, 0)]!;
    });
  },
  slice: ({ x }, { y }, { axis, start }) => {
    const steps = strides(x.shape);
    eachIndex(y.shape, (index, flat) => {
      const from = index.reduce(
        (sum, at, along) => sum + (at + (along === axis ? start : 0)) * steps[along]!,
        0,
      );
      y.data[flat] = x.data[from]!;
    });
  },
  pad: ({ x }, { y }, { axis, before }) => {
    const steps = strides(y.shape);
    eachIndex(x.shape, (index, flat) => {
      const to = index.reduce(
        (sum, at, along) => sum + (at + (along === axis ? before : 0)) * steps[along]!,
        0,
      );
      y.data[to] = x.data[flat]!;
    });
  },
  concat: ({ x }, { y }, { axis }) => {
    const [outer, total, inner] = around(y.shape, axis);
    let start = 0;
    for (const part of x) {
      const size = part.shape[axis]!;
      for (let o = 0; o < outer; o++) {
        const rows = part.data.subarray(o * size * inner, (o + 1) * size * inner);
        y.data.set(rows, (o * total + start) * inner);
      }
      start += size;
    }
  },
  expand: ({ x }, { y }) => {
    eachIndex(y.shape, (index, flat) => {
      y.data[flat] = x.data[flatOf(x.shape, index)]!;
    });
  },
  full: (_inputs, { y }, { value }) => {
    y.data.fill(value);
  },
};
