import type { Kernels } from './kernel.js';

export const optimizerKernels: Kernels<'assign' | 'fill' | 'accumulate' | 'adamw'> = {
  assign: ({ state, x }) => state.data.set(x.data),
  fill: ({ state }, _outputs, { value }) => {
    state.data.fill(value);
  },
  accumulate: ({ state, x }) => {
    x.data.forEach((value, i) => {
      state.data[i]! += value;
    });
  },
  adamw: ({ param, grad, m, v, scalars }, _outputs, { beta1, beta2, eps, weight_decay }) => {
    const [lr, step, gradientScale] = scalars.data as unknown as [number, number, number];
    if (Number.isNaN(gradientScale)) return;
    grad.data.forEach((raw, i) => {
      const g = raw * gradientScale;
      m.data[i] = beta1 * m.data[i]! + (1 - beta1) * g;
      v.data[i] = beta2 * v.data[i]! + (1 - beta2) * g * g;
      const mean = m.data[i]! / (1 - beta1 ** step);
      const deviation = Math.sqrt(v.data[i]! / (1 - beta2 ** step));
      param.data[i] = param.data[i]! * (1 - lr * weight_decay) - (lr * mean) / (deviation + eps);
    });
  },
};
