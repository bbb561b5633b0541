import { type Definitions, once } from '../op-definition.js';
import { elementCount } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { expectDtype, expectRank, expectShape, f32, i32 } from './checks.js';

/**
 * Sorts the choices indices i32[T,K] (expert of each, -1: none) by expert: order i32[T*K] holds slot numbers t*K+j,
 * inverse i32[T*K] the row of each slot in that order (or -1), offsets i32[experts+1] where each expert's rows begin.
 */
export function moeDispatch(
  indices: Tensor,
  experts: number,
): { order: Tensor; inverse: Tensor; offsets: Tensor } {
  return indices.graph.emit('moe_dispatch', { indices }, { experts });
}

/** Row r of the result is x[order[r]/k] (zeros for -1): x [T,H] -> [T*k,H]. */
export function moeGather(x: Tensor, order: Tensor, inverse: Tensor, k: number): Tensor {
  return x.graph.emit('moe_gather', { x, order }, { k }, { inverse }).y;
}

/** y[t] = sum over j of weights[t,j] * rows[inverse[t*K+j]]: rows [R,H], weights [T,K] -> [T,H]. */
export function moeCombine(rows: Tensor, inverse: Tensor, weights: Tensor, order: Tensor): Tensor {
  return rows.graph.emit('moe_combine', { rows, inverse, weights }, {}, { order }).y;
}

export const moeOps: Definitions<
  'moe_dispatch' | 'moe_gather' | 'moe_gather_grad' | 'moe_combine' | 'moe_combine_grad'
> = {
  moe_dispatch: {
    infer(call) {
      const { indices } = call.inputs;
      expectDtype(call, 'i32', { indices });
      expectRank(call, 'indices', indices, 2);
      if (call.attributes.experts < 1) call.fail('there must be an expert');
      const slots = i32([elementCount(indices.shape)]);
      return { order: slots, inverse: slots, offsets: i32([call.attributes.experts + 1]) };
    },
  },
  moe_gather: {
    infer(call) {
      const { x, order } = call.inputs;
      expectDtype(call, 'f32', { x });
      expectDtype(call, 'i32', { order });
      expectRank(call, 'x', x, 2);
      expectShape(call, 'order', order, [x.shape[0]! * call.attributes.k]);
      return { y: f32([order.shape[0]!, x.shape[1]!]) };
    },
    precision: { moves: true },
    gradient: ({ graph, grads, attributes, saved }) => ({
      x: () => graph.emit('moe_gather_grad', { dy: grads.y!, inverse: saved.inverse! }, attributes).dx,
    }),
  },
  moe_gather_grad: {
    infer(call) {
      const { dy, inverse } = call.inputs;
      const { k } = call.attributes;
      expectDtype(call, 'f32', { dy });
      expectDtype(call, 'i32', { inverse });
      expectRank(call, 'dy', dy, 2);
      expectRank(call, 'inverse', inverse, 1);
      if (k < 1 || inverse.shape[0]! % k !== 0) call.fail(`inverse is no multiple of k=${k}`);
      return { dx: f32([inverse.shape[0]! / k, dy.shape[1]!]) };
    },
    precision: { reads: ['dy'], stores: ['dx'] },
    flops: ({ inputs: { dy } }) => elementCount(dy.shape),
  },
  moe_combine: {
    infer(call) {
      const { rows, inverse, weights } = call.inputs;
      expectDtype(call, 'f32', { rows, weights });
      expectDtype(call, 'i32', { inverse });
      expectRank(call, 'rows', rows, 2);
      expectRank(call, 'weights', weights, 2);
      expectShape(call, 'inverse', inverse, [elementCount(weights.shape)]);
      return { y: f32([weights.shape[0]!, rows.shape[1]!]) };
    },
    precision: { reads: ['rows'], stores: ['y'] },
    gradient: ({ graph, inputs, grads, saved }) => {
      const fused = once(() =>
        graph.emit('moe_combine_grad', { dy: grads.y!, ...inputs, order: saved.order! }, {}),
      );
      return { rows: () => fused().drows, weights: () => fused().dweights };
    },
    flops: ({ inputs: { rows } }) => 2 * elementCount(rows.shape),
  },
  moe_combine_grad: {
    infer(call) {
      const { dy, rows, inverse, weights, order } = call.inputs;
      expectDtype(call, 'f32', { dy, rows, weights });
      expectDtype(call, 'i32', { inverse, order });
      expectRank(call, 'rows', rows, 2);
      expectRank(call, 'weights', weights, 2);
      expectShape(call, 'dy', dy, [weights.shape[0]!, rows.shape[1]!]);
      expectShape(call, 'inverse', inverse, [elementCount(weights.shape)]);
      expectShape(call, 'order', order, [rows.shape[0]!]);
      return { drows: rows, dweights: weights };
    },
    precision: { reads: ['dy', 'rows'], stores: ['drows'] },
    flops: ({ inputs: { rows } }) => 3 * elementCount(rows.shape),
  },
};
