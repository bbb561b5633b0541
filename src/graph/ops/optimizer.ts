import { dtypeBytes } from '../dtype.js';
import type { Definitions, TensorType } from '../op-definition.js';
import { elementCount } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { expectDtype, expectShape } from './checks.js';

/** state = x */
export function assign(state: Tensor, x: Tensor): void {
  state.graph.emit('assign', { state, x }, {});
}

/** state = value everywhere; f32. */
export function fill(state: Tensor, value: number): void {
  state.graph.emit('fill', { state }, { value });
}

/** state += x */
export function accumulate(state: Tensor, x: Tensor): void {
  state.graph.emit('accumulate', { state, x }, {});
}

/**
 * One AdamW step as torch.optim.AdamW; scalars f32[3] = learning rate, step (from 1), gradient scale. param, grad, m and v
 * are f32 or bf16, each by itself. `chance`: states of bf16 are rounded stochastically, by words of rng i32[4] that depend
 * on (seed, step, stream, element) alone; otherwise to nearest.
 */
export function adamw(
  param: Tensor,
  grad: Tensor,
  m: Tensor,
  v: Tensor,
  scalars: Tensor,
  options: { beta1: number; beta2: number; eps: number; weightDecay: number; chance?: RoundingChance },
): void {
  const { beta1, beta2, eps, weightDecay, chance } = options;
  param.graph.emit(
    'adamw',
    { param, grad, m, v, scalars, rng: chance?.rng ?? null },
    { beta1, beta2, eps, weight_decay: weightDecay, stream: chance?.stream ?? 0 },
  );
}

/** What stochastic rounding draws from: rng i32[4] = seed low, seed high, step, 0, and a stream for each parameter. */
export interface RoundingChance {
  readonly rng: Tensor;
  readonly stream: number;
}

function checkUpdate(call: { inputs: { state: TensorType; x: TensorType }; fail(reason: string): never }) {
  const { state, x } = call.inputs;
  if (state.dtype !== x.dtype) call.fail(`x must be ${state.dtype}, not ${x.dtype}`);
  expectShape(call, 'x', x, state.shape);
  return {};
}

export const optimizerOps: Definitions<'assign' | 'fill' | 'accumulate' | 'adamw'> = {
  assign: { infer: checkUpdate },
  fill: {
    infer(call) {
      expectDtype(call, 'f32', call.inputs);
      return {};
    },
  },
  accumulate: {
    infer(call) {
      expectDtype(call, 'f32', call.inputs);
      return checkUpdate(call);
    },
    flops: ({ inputs: { x } }) => elementCount(x.shape),
    bytes: ({ inputs: { x } }) => 12 * elementCount(x.shape),
  },
  adamw: {
    infer(call) {
      const { param, grad, m, v, scalars, rng } = call.inputs;
      expectDtype(call, 'f32', { param, grad, m, v, scalars });
      expectShape(call, 'grad', grad, param.shape);
      expectShape(call, 'm', m, param.shape);
      expectShape(call, 'v', v, param.shape);
      expectShape(call, 'scalars', scalars, [3]);
      expectDtype(call, 'i32', { rng });
      expectShape(call, 'rng', rng, [4]);
      return {};
    },
    precision: { terms: ['param', 'grad', 'm', 'v'] },
    flops: ({ inputs: { param } }) => 15 * elementCount(param.shape),
    bytes: ({ inputs: { param, grad, m, v } }) =>
      elementCount(param.shape) *
      [param, m, v].reduce((sum, { dtype }) => sum + 2 * dtypeBytes(dtype), dtypeBytes(grad.dtype)),
  },
};
