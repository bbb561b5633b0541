import type { Definitions, OpCall, TensorType } from '../op-definition.js';
import { elementCount, type Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { affine, div, equal, mul } from './arithmetic.js';
import { axisOf } from './axis.js';
import { expectAxis, expectDtype, expectShape, f32, i32, lastSize } from './checks.js';
import { expand, reshape } from './shape.js';

/** Sum over `axes` (default: all); without `keepdims` the axes vanish, so that summing all gives a scalar []. */
export function sum(x: Tensor, options: { axes?: readonly number[]; keepdims?: boolean } = {}): Tensor {
  const axes = (options.axes ?? x.shape.map((_, axis) => axis)).map((axis) => axisOf(x, axis, 'sum'));
  return x.graph.emit('sum', { x }, { axes: axes.sort((a, b) => a - b), keepdims: options.keepdims ?? false })
    .y;
}

/** Mean over `axes` (default: all). */
export function mean(x: Tensor, options: { axes?: readonly number[]; keepdims?: boolean } = {}): Tensor {
  const total = sum(x, options);
  return affine(total, elementCount(total.shape) / elementCount(x.shape), 0);
}

/** Largest element along one axis (default: the last). The gradient is shared evenly among equals. */
export function max(x: Tensor, options: { axis?: number; keepdims?: boolean } = {}): Tensor {
  const axis = axisOf(x, options.axis ?? -1, 'max');
  return x.graph.emit('max', { x }, { axis, keepdims: options.keepdims ?? false }).y;
}

/** i32 index of the largest element along one axis (default: the last), the first of equals. */
export function argmax(x: Tensor, axis = -1): Tensor {
  return x.graph.emit('argmax', { x }, { axis: axisOf(x, axis, 'argmax') }).y;
}

/** Over the last axis. */
export const softmax = (x: Tensor): Tensor => x.graph.emit('softmax', { x }, {}).y;

/** Over the last axis. */
export const logSoftmax = (x: Tensor): Tensor => x.graph.emit('log_softmax', { x }, {}).y;

/** [1]: the sum of squares over all elements of all tensors, such as a squared global norm. */
export function sumSquares(xs: readonly [Tensor, ...Tensor[]]): Tensor {
  return xs[0].graph.emit('sum_squares', { x: xs }, {}).y;
}

const reduced = (shape: Shape, axes: readonly number[], keepdims: boolean): Shape =>
  keepdims
    ? shape.map((size, axis) => (axes.includes(axis) ? 1 : size))
    : shape.filter((_, axis) => !axes.includes(axis));

/** `reduced` given back its axes and repeated along them. */
function spread(value: Tensor, shape: Shape, axes: readonly number[]): Tensor {
  return expand(reshape(value, reduced(shape, axes, true)), shape);
}

const overLast = (call: OpCall<'softmax' | 'log_softmax'>): { y: TensorType } => {
  const { x } = call.inputs;
  expectDtype(call, 'f32', { x });
  lastSize(call, 'x', x);
  return { y: x };
};

const overLastGrad = (call: OpCall<'softmax_grad' | 'log_softmax_grad'>): { dx: TensorType } => {
  const { dy, y } = call.inputs;
  expectDtype(call, 'f32', { dy, y });
  lastSize(call, 'y', y);
  expectShape(call, 'dy', dy, y.shape);
  return { dx: y };
};

const perInput = (count: number) => (call: { inputs: { x: TensorType } }) =>
  count * elementCount(call.inputs.x.shape);

export const reduceOps: Definitions<
  'sum' | 'max' | 'argmax' | 'softmax' | 'softmax_grad' | 'log_softmax' | 'log_softmax_grad' | 'sum_squares'
> = {
  sum: {
    infer(call) {
      const { x } = call.inputs;
      const { axes, keepdims } = call.attributes;
      expectDtype(call, 'f32', { x });
      for (const axis of axes) expectAxis(call, axis, x.shape.length);
      if (new Set(axes).size !== axes.length) call.fail(`axes ${axes.join(',')} name one twice`);
      return { y: f32(reduced(x.shape, axes, keepdims)) };
    },
    gradient: ({ inputs, grads, attributes }) => ({
      x: () => spread(grads.y!, inputs.x.shape, attributes.axes),
    }),
    flops: perInput(1),
  },
  max: {
    infer(call) {
      const { x } = call.inputs;
      expectDtype(call, 'f32', { x });
      expectAxis(call, call.attributes.axis, x.shape.length);
      return { y: f32(reduced(x.shape, [call.attributes.axis], call.attributes.keepdims)) };
    },
    gradient: ({ inputs: { x }, outputs, grads, attributes: { axis } }) => ({
      x: () => {
        const hit = equal(x, spread(outputs.y, x.shape, [axis]));
        const share = div(hit, sum(hit, { axes: [axis], keepdims: true }));
        return mul(share, reshape(grads.y!, reduced(x.shape, [axis], true)));
      },
    }),
    flops: perInput(1),
  },
  argmax: {
    infer(call) {
      const { x } = call.inputs;
      expectDtype(call, 'f32', { x });
      expectAxis(call, call.attributes.axis, x.shape.length);
      return { y: i32(reduced(x.shape, [call.attributes.axis], false)) };
    },
    gradient: 'none',
    flops: perInput(1),
  },
  softmax: {
    infer: overLast,
    gradient: ({ graph, outputs, grads }) => ({
      x: () => graph.emit('softmax_grad', { dy: grads.y!, y: outputs.y }, {}).dx,
    }),
    flops: perInput(10),
  },
  softmax_grad: { infer: overLastGrad, flops: (call) => 4 * elementCount(call.inputs.y.shape) },
  log_softmax: {
    infer: overLast,
    gradient: ({ graph, outputs, grads }) => ({
      x: () => graph.emit('log_softmax_grad', { dy: grads.y!, y: outputs.y }, {}).dx,
    }),
    flops: perInput(10),
  },
  log_softmax_grad: { infer: overLastGrad, flops: (call) => 11 * elementCount(call.inputs.y.shape) },
  sum_squares: {
    infer(call) {
      for (const [index, x] of call.inputs.x.entries()) expectDtype(call, 'f32', { [`x[${index}]`]: x });
      return { y: f32([1]) };
    },
    precision: { terms: ['x'] },
    gradient: ({ inputs, grads }) => ({
      x: (index) => mul(inputs.x[index]!, reshapeScalar(grads.y!, inputs.x[index]!)),
    }),
    flops: (call) => 2 * call.inputs.x.reduce((total, x) => total + elementCount(x.shape), 0),
    scratch: (call) =>
      call.inputs.x.reduce((total, x) => total + 8 * Math.ceil(elementCount(x.shape) / 65536), 0),
  },
};

/** 2*dy as a tensor that broadcasts over x whatever the rank of x. */
function reshapeScalar(dy: Tensor, x: Tensor): Tensor {
  return affine(reshape(dy, x.shape.length === 0 ? [] : [1]), 2, 0);
}
