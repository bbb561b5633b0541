import type { Definitions, TensorType } from '../op-definition.js';
import { elementCount } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { expectDtype, expectShape } from './checks.js';

/** state = x */
export function assign(state: Tensor, x: Tensor): void {
  state.graph.emit('assign', { state, x }, {});
}

/** state += x */
export function accumulate(state: Tensor, x: Tensor): void {
  state.graph.emit('accumulate', { state, x }, {});
}

/** One AdamW step as torch.optim.AdamW; scalars f32[3] = learning rate, step (from 1), gradient scale. */
export function adamw(
  param: Tensor,
  grad: Tensor,
  m: Tensor,
  v: Tensor,
  scalars: Tensor,
  options: { beta1: number; beta2: number; eps: number; weightDecay: number },
): void {
  const { beta1, beta2, eps, weightDecay } = options;
  param.graph.emit('adamw', { param, grad, m, v, scalars }, { beta1, beta2, eps, weight_decay: weightDecay });
}

function checkUpdate(call: { inputs: { state: TensorType; x: TensorType }; fail(reason: string): never }) {
  const { state, x } = call.inputs;
  if (state.dtype !== x.dtype) call.fail(`x must be ${state.dtype}, not ${x.dtype}`);
  expectShape(call, 'x', x, state.shape);
  return {};
}

export const optimizerOps: Definitions<'assign' | 'accumulate' | 'adamw'> = {
  assign: { infer: checkUpdate },
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
      const { param, grad, m, v, scalars } = call.inputs;
      expectDtype(call, 'f32', { param, grad, m, v, scalars });
      expectShape(call, 'grad', grad, param.shape);
      expectShape(call, 'm', m, param.shape);
      expectShape(call, 'v', v, param.shape);
      expectShape(call, 'scalars', scalars, [3]);
      return {};
    },
    flops: ({ inputs: { param } }) => 15 * elementCount(param.shape),
    bytes: ({ inputs: { param } }) => 28 * elementCount(param.shape),
  },
};
