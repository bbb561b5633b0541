import type { Graph } from '../graph.js';
import type { Definitions, OpCall, TensorType } from '../op-definition.js';
import { elementCount, type Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { expectDtype, expectShape, f32 } from './checks.js';

/** Standard normal numbers, a pure function of rng i32[4] (seed low, seed high, step, 0), stream and element. */
export function randomNormal(graph: Graph, rng: Tensor, shape: Shape, stream: number): Tensor {
  return graph.emit('random_normal', { rng }, { shape, stream }).y;
}

/** Uniform in [0,1), a pure function of rng, stream and element. */
export function randomUniform(graph: Graph, rng: Tensor, shape: Shape, stream: number): Tensor {
  return graph.emit('random_uniform', { rng }, { shape, stream }).y;
}

/** x/(1-p), or 0 with probability p; the gradient draws the same numbers again. Each use needs its own stream. */
export function dropout(x: Tensor, rng: Tensor, options: { p: number; stream: number }): Tensor {
  return options.p === 0 ? x : x.graph.emit('dropout', { x, rng }, options).y;
}

function checkRandom(call: OpCall<'random_normal' | 'random_uniform'>): { y: TensorType } {
  expectRng(call, call.inputs.rng);
  return { y: f32(call.attributes.shape) };
}

function expectRng(call: { fail(reason: string): never }, rng: TensorType): void {
  expectDtype(call, 'i32', { rng });
  expectShape(call, 'rng', rng, [4]);
}

export const randomOps: Definitions<'random_normal' | 'random_uniform' | 'dropout'> = {
  random_normal: { infer: checkRandom, flops: ({ outputs: { y } }) => 40 * elementCount(y.shape) },
  random_uniform: { infer: checkRandom, flops: ({ outputs: { y } }) => 20 * elementCount(y.shape) },
  dropout: {
    infer(call) {
      const { x, rng } = call.inputs;
      expectDtype(call, 'f32', { x });
      expectRng(call, rng);
      if (!(call.attributes.p >= 0 && call.attributes.p < 1))
        call.fail(`p=${call.attributes.p} must lie in [0,1)`);
      return { y: x };
    },
    precision: { reads: ['x'], stores: ['y'] },
    gradient: ({ graph, inputs, grads, attributes }) => ({
      x: () => graph.emit('dropout', { x: grads.y!, rng: inputs.rng }, attributes).y,
    }),
    flops: ({ inputs: { x } }) => 20 * elementCount(x.shape),
  },
};
