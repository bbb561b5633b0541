import type { Kernels } from './kernel.js';

export const moeKernels: Kernels<
  'moe_dispatch' | 'moe_gather' | 'moe_gather_grad' | 'moe_combine' | 'moe_combine_grad'
> = {
  moe_dispatch: ({ indices }, { order, inverse, offsets }, { experts }) => {
    order.data.fill(-1);
    inverse.data.fill(-1);
    let row = 0;
    for (let e = 0; e < experts; e++) {
      offsets.data[e] = row;
      indices.data.forEach((expert, slot) => {
        if (expert !== e) return;
        order.data[row] = slot;
        inverse.data[slot] = row++;
      });
    }
    offsets.data[experts] = row;
  },
  moe_gather: ({ x, order }, { y }, { k }) => {
    const width = x.shape[1]!;
    order.data.forEach((slot, row) => {
      if (slot < 0) return;
      const token = Math.floor(slot / k);
      y.data.set(x.data.subarray(token * width, (token + 1) * width), row * width);
    });
  },
  moe_gather_grad: ({ dy, inverse }, { dx }, { k }) => {
    const width = dy.shape[1]!;
    inverse.data.forEach((row, slot) => {
      if (row < 0) return;
      const token = Math.floor(slot / k);
      for (let i = 0; i < width; i++) dx.data[token * width + i]! += dy.data[row * width + i]!;
    });
  },
  moe_combine: ({ rows, inverse, weights }, { y }) => {
    const [, k] = weights.shape as [number, number];
    const width = rows.shape[1]!;
    inverse.data.forEach((row, slot) => {
      if (row < 0) return;
      const token = Math.floor(slot / k);
      for (let i = 0; i < width; i++) {
        y.data[token * width + i]! += weights.data[slot]! * rows.data[row * width + i]!;
      }
    });
  },
  moe_combine_grad: ({ dy, rows, inverse, weights }, { drows, dweights }) => {
    const [, k] = weights.shape as [number, number];
    const width = rows.shape[1]!;
    inverse.data.forEach((row, slot) => {
      if (row < 0) return;
      const token = Math.floor(slot / k);
      for (let i = 0; i < width; i++) {
        drows.data[row * width + i] = weights.data[slot]! * dy.data[token * width + i]!;
        dweights.data[slot]! += rows.data[row * width + i]! * dy.data[token * width + i]!;
      }
    });
  },
};
