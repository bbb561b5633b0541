import type { Definitions, TensorType } from '../op-definition.js';
import { elementCount, type Shape, sameShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { expectDtype, expectRank, expectShape, f32, i32, lastSize } from './checks.js';

/** Rows of weight [V,H] by ids i32[...] -> [...,H]. An id outside 0..V-1 stops the program with an error. */
export function embedding(weight: Tensor, ids: Tensor): Tensor {
  return weight.graph.emit('embedding', { weight, ids }, {}).y;
}

/** x [N,...] by index i32[M] -> [M,...]; index -1 gives zeros. */
export function gatherRows(x: Tensor, index: Tensor): Tensor {
  return x.graph.emit('gather_rows', { x, index }, {}).y;
}

/** x [M,...] added into `rows` rows of zeros by index i32[M]; -1 is skipped. */
export function scatterAddRows(x: Tensor, index: Tensor, rows: number): Tensor {
  return x.graph.emit('scatter_add_rows', { x, index }, { rows }).y;
}

/** x [...,N] by index i32[...,K] along the last axis -> [...,K]. */
export function takeAlong(x: Tensor, index: Tensor): Tensor {
  return x.graph.emit('take_along', { x, index }, {}).y;
}

/** i32[...] -> f32 [...,depth]; an index outside 0..depth-1 gives a row of zeros. */
export function oneHot(index: Tensor, depth: number): Tensor {
  return index.graph.emit('one_hot', { index }, { depth }).y;
}

/** The k largest along the last axis, largest first, the lower index first among equals; indices are i32. */
export function topk(x: Tensor, k: number): { values: Tensor; indices: Tensor } {
  return x.graph.emit('topk', { x }, { k });
}

const copied = (call: { outputs: Readonly<Record<string, TensorType | null>> }) =>
  8 * elementCount(Object.values(call.outputs)[0]!.shape);

const leading = (shape: Shape) => shape.slice(0, -1);

export const indexedOps: Definitions<
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
  embedding: {
    infer(call) {
      const { weight, ids } = call.inputs;
      expectDtype(call, 'f32', { weight });
      expectDtype(call, 'i32', { ids });
      expectRank(call, 'weight', weight, 2);
      return { y: f32([...ids.shape, weight.shape[1]!]) };
    },
    precision: { reads: ['weight'], stores: ['y'] },
    gradient: ({ graph, inputs, grads }) => ({
      weight: () =>
        graph.emit('embedding_grad', { dy: grads.y!, ids: inputs.ids }, { rows: inputs.weight.shape[0]! })
          .dweight,
    }),
    bytes: copied,
  },
  embedding_grad: {
    infer(call) {
      const { dy, ids } = call.inputs;
      expectDtype(call, 'f32', { dy });
      expectDtype(call, 'i32', { ids });
      const width = lastSize(call, 'dy', dy);
      if (!sameShape(leading(dy.shape), ids.shape)) call.fail('dy must be ids with one more dimension');
      return { dweight: f32([call.attributes.rows, width]) };
    },
    precision: { reads: ['dy'] },
    flops: (call) => elementCount(call.inputs.dy.shape),
  },
  accumulate_embedding_grad: {
    infer(call) {
      const { state, dy, ids } = call.inputs;
      expectDtype(call, 'f32', { state, dy });
      expectDtype(call, 'i32', { ids });
      expectRank(call, 'state', state, 2);
      expectShape(call, 'dy', dy, [...ids.shape, state.shape[1]!]);
      return {};
    },
    precision: { reads: ['dy'] },
    flops: (call) => elementCount(call.inputs.dy.shape),
    bytes: (call) => 12 * elementCount(call.inputs.dy.shape),
  },
  gather_rows: {
    infer(call) {
      const { x, index } = call.inputs;
      expectDtype(call, 'f32', { x });
      expectDtype(call, 'i32', { index });
      expectRank(call, 'index', index, 1);
      lastSize(call, 'x', x);
      return { y: f32([index.shape[0]!, ...x.shape.slice(1)]) };
    },
    gradient: ({ inputs: { x, index }, grads }) => ({
      x: () => scatterAddRows(grads.y!, index, x.shape[0]!),
    }),
    bytes: copied,
  },
  scatter_add_rows: {
    infer(call) {
      const { x, index } = call.inputs;
      expectDtype(call, 'f32', { x });
      expectDtype(call, 'i32', { index });
      lastSize(call, 'x', x);
      expectShape(call, 'index', index, [x.shape[0]!]);
      return { y: f32([call.attributes.rows, ...x.shape.slice(1)]) };
    },
    gradient: ({ inputs, grads }) => ({ x: () => gatherRows(grads.y!, inputs.index) }),
    flops: (call) => elementCount(call.inputs.x.shape),
  },
  take_along: {
    infer(call) {
      const { x, index } = call.inputs;
      expectDtype(call, 'f32', { x });
      expectDtype(call, 'i32', { index });
      lastSize(call, 'x', x);
      lastSize(call, 'index', index);
      if (!sameShape(leading(x.shape), leading(index.shape)))
        call.fail('all but the last dimension must agree');
      return { y: f32(index.shape) };
    },
    gradient: ({ graph, inputs: { x, index }, grads }) => ({
      x: () => graph.emit('take_along_grad', { dy: grads.y!, index }, { size: x.shape.at(-1)! }).dx,
    }),
    bytes: copied,
  },
  take_along_grad: {
    infer(call) {
      const { dy, index } = call.inputs;
      expectDtype(call, 'f32', { dy });
      expectDtype(call, 'i32', { index });
      lastSize(call, 'index', index);
      expectShape(call, 'dy', dy, index.shape);
      return { dx: f32([...leading(dy.shape), call.attributes.size]) };
    },
  },
  one_hot: {
    infer(call) {
      expectDtype(call, 'i32', call.inputs);
      return { y: f32([...call.inputs.index.shape, call.attributes.depth]) };
    },
  },
  topk: {
    infer(call) {
      const { x } = call.inputs;
      const { k } = call.attributes;
      expectDtype(call, 'f32', { x });
      const size = lastSize(call, 'x', x);
      if (!(k >= 1 && k <= size)) call.fail(`k=${k} must lie in 1..${size}`);
      const shape = x.shape.with(-1, k);
      return { values: f32(shape), indices: i32(shape) };
    },
    gradient: ({ graph, inputs: { x }, outputs, grads }) => ({
      x: () =>
        graph.emit(
          'take_along_grad',
          { dy: grads.values!, index: outputs.indices },
          { size: x.shape.at(-1)! },
        ).dx,
    }),
    flops: (call) => elementCount(call.inputs.x.shape),
  },
};
