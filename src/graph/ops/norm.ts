import { type Definitions, once } from '../op-definition.js';
import { elementCount, type Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { expectDtype, expectShape, f32, lastSize } from './checks.js';

/** x * rsqrt(mean(x²) + eps) * (weight + weightOffset) over the last axis; x [...,H], weight [H]. */
export function rmsNorm(x: Tensor, weight: Tensor, options: { eps: number; weightOffset?: number }): Tensor {
  return x.graph.emit(
    'rms_norm',
    { x, weight },
    { eps: options.eps, weight_offset: options.weightOffset ?? 0 },
  ).y;
}

/** (x - mean) / sqrt(var + eps) * weight (+ bias) over the last axis; x [...,H], weight and bias [H]. */
export function layerNorm(x: Tensor, weight: Tensor, bias: Tensor | null, options: { eps: number }): Tensor {
  return x.graph.emit('layer_norm', { x, weight, bias }, { eps: options.eps }).y;
}

/** Weight gradients are summed per piece of 128 rows first (native/core/scratch.h). */
const rowPieces = (shape: Shape) => Math.ceil(elementCount(shape.slice(0, -1)) / 128);

export const normOps: Definitions<'rms_norm' | 'rms_norm_grad' | 'layer_norm' | 'layer_norm_grad'> = {
  rms_norm: {
    infer(call) {
      const { x, weight } = call.inputs;
      expectDtype(call, 'f32', { x, weight });
      expectShape(call, 'weight', weight, [lastSize(call, 'x', x)]);
      return { y: x, rstd: f32(x.shape.slice(0, -1)) };
    },
    precision: { reads: ['x'], copies: ['x'], stores: ['y'] },
    gradient: (call) => {
      const { graph, inputs, outputs, grads, attributes } = call;
      if (grads.rstd) call.fail('rstd has no gradient');
      const fused = once(() =>
        graph.emit(
          'rms_norm_grad',
          { dy: grads.y!, x: inputs.x, weight: inputs.weight, rstd: outputs.rstd },
          { weight_offset: attributes.weight_offset },
        ),
      );
      return { x: () => fused().dx, weight: () => fused().dweight };
    },
    flops: ({ inputs: { x } }) => 5 * elementCount(x.shape),
  },
  rms_norm_grad: {
    infer(call) {
      const { dy, x, weight, rstd } = call.inputs;
      expectDtype(call, 'f32', { dy, x, weight, rstd });
      expectShape(call, 'weight', weight, [lastSize(call, 'x', x)]);
      expectShape(call, 'dy', dy, x.shape);
      expectShape(call, 'rstd', rstd, x.shape.slice(0, -1));
      return { dx: x, dweight: weight };
    },
    precision: { reads: ['dy', 'x'], copies: ['x'], stores: ['dx'] },
    scratch: ({ inputs: { x } }) => 4 * x.shape.at(-1)! * rowPieces(x.shape),
    flops: ({ inputs: { x } }) => 11 * elementCount(x.shape),
  },
  layer_norm: {
    infer(call) {
      const { x, weight, bias } = call.inputs;
      expectDtype(call, 'f32', { x, weight, bias });
      const width = lastSize(call, 'x', x);
      expectShape(call, 'weight', weight, [width]);
      expectShape(call, 'bias', bias, [width]);
      const rows = f32(x.shape.slice(0, -1));
      return { y: x, mean: rows, rstd: rows };
    },
    precision: { reads: ['x'], copies: ['x'], stores: ['y'] },
    gradient: (call) => {
      const { graph, inputs, outputs, grads } = call;
      if (grads.mean || grads.rstd) call.fail('mean and rstd have no gradient');
      const fused = once(() =>
        graph.emit(
          'layer_norm_grad',
          { dy: grads.y!, x: inputs.x, weight: inputs.weight, mean: outputs.mean, rstd: outputs.rstd },
          {},
        ),
      );
      return { x: () => fused().dx, weight: () => fused().dweight, bias: () => fused().dbias };
    },
    flops: ({ inputs: { x } }) => 8 * elementCount(x.shape),
  },
  layer_norm_grad: {
    infer(call) {
      const { dy, x, weight, mean, rstd } = call.inputs;
      expectDtype(call, 'f32', { dy, x, weight, mean, rstd });
      expectShape(call, 'weight', weight, [lastSize(call, 'x', x)]);
      expectShape(call, 'dy', dy, x.shape);
      expectShape(call, 'mean', mean, x.shape.slice(0, -1));
      expectShape(call, 'rstd', rstd, x.shape.slice(0, -1));
      return { dx: x, dweight: weight, dbias: weight };
    },
    precision: { reads: ['dy', 'x'], copies: ['x'], stores: ['dx'] },
    scratch: ({ inputs: { x } }) => 8 * x.shape.at(-1)! * rowPieces(x.shape),
    flops: ({ inputs: { x } }) => 16 * elementCount(x.shape),
  },
};
