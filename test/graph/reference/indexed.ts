import { elementCount } from '../../../src/graph/index.js';
import { rowsOf } from './array.js';
import type { Kernels } from './kernel.js';

export const indexedKernels: Kernels<
  | 'embedding'
  | 'embedding_grad'
  | 'accumulate_embedding_grad'
  | 'gather_rows'
  | 'scatter_add_rows'
  | 'take_along'
  | 'take_along_grad'
  | 'one_hot'
  | 'topk'
> = {
  embedding: ({ weight, ids }, { y }) => {
    const width = weight.shape[1]!;
    ids.data.forEach((id, row) => {
      if (id < 0 || id >= weight.shape[0]!) throw new RangeError(`id ${id}`);
      y.data.set(weight.data.subarray(id * width, (id + 1) * width), row * width);
    });
  },
  embedding_grad: ({ dy, ids }, { dweight }) => {
    const width = dweight.shape[1]!;
    ids.data.forEach((id, row) => {
      for (let i = 0; i < width; i++) dweight.data[id * width + i]! += dy.data[row * width + i]!;
    });
  },
  accumulate_embedding_grad: ({ state, dy, ids }) => {
    const width = state.shape[1]!;
    ids.data.forEach((id, row) => {
      for (let i = 0; i < width; i++) state.data[id * width + i]! += dy.data[row * width + i]!;
    });
  },
  gather_rows: ({ x, index }, { y }) => {
    const width = elementCount(x.shape.slice(1));
    index.data.forEach((from, row) => {
      if (from >= 0) y.data.set(x.data.subarray(from * width, (from + 1) * width), row * width);
    });
  },
  scatter_add_rows: ({ x, index }, { y }) => {
    const width = elementCount(x.shape.slice(1));
    index.data.forEach((to, row) => {
      if (to < 0) return;
      for (let i = 0; i < width; i++) y.data[to * width + i]! += x.data[row * width + i]!;
    });
  },
  take_along: ({ x, index }, { y }) => {
    const [rows, picks] = rowsOf(index.shape);
    const width = x.shape.at(-1)!;
    for (let r = 0; r < rows; r++) {
      for (let j = 0; j < picks; j++) y.data[r * picks + j] = x.data[r * width + index.data[r * picks + j]!]!;
    }
  },
  take_along_grad: ({ dy, index }, { dx }, { size }) => {
    const [rows, picks] = rowsOf(index.shape);
    for (let r = 0; r < rows; r++) {
      for (let j = 0; j < picks; j++)
        dx.data[r * size + index.data[r * picks + j]!]! += dy.data[r * picks + j]!;
    }
  },
  one_hot: ({ index }, { y }, { depth }) => {
    index.data.forEach((at, row) => {
      if (at >= 0 && at < depth) y.data[row * depth + at] = 1;
    });
  },
  topk: ({ x }, { values, indices }, { k }) => {
    const [rows, width] = rowsOf(x.shape);
    for (let r = 0; r < rows; r++) {
      const row = x.data.subarray(r * width, (r + 1) * width);
      const order = [...row.keys()].sort((a, b) => row[b]! - row[a]! || a - b);
      for (let j = 0; j < k; j++) {
        values.data[r * k + j] = row[order[j]!]!;
        indices.data[r * k + j] = order[j]!;
      }
    }
  },
};
