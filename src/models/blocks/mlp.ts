import { gelu, mul, relu, silu, siluMul, type Tensor } from '../../graph/index.js';
import type { ConfigReader } from '../config-reader.js';
import type { Init } from '../parameter.js';
import type { ModelTrace } from '../trace.js';
import { linear } from './linear.js';

export type Activation = 'silu' | 'gelu' | 'gelu_tanh' | 'relu';

const activationNames: Readonly<Record<string, Activation>> = {
  silu: 'silu',
  swish: 'silu',
  gelu: 'gelu',
  gelu_new: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
  gelu_fast: 'gelu_tanh',
  relu: 'relu',
};

/** The activation that a config key names. */
export function readActivation(config: ConfigReader, key: string, fallback?: string): Activation {
  const name = config.string(key, fallback);
  return activationNames[name] ?? config.fail(key, `one of ${Object.keys(activationNames).join(', ')}`);
}

export function activate(x: Tensor, activation: Activation): Tensor {
  if (activation === 'silu') return silu(x);
  if (activation === 'relu') return relu(x);
  return gelu(x, { tanh: activation === 'gelu_tanh' });
}

/** activation(gate) * up */
export function gated(gate: Tensor, up: Tensor, activation: Activation): Tensor {
  return activation === 'silu' ? siluMul(gate, up) : mul(activate(gate, activation), up);
}

export interface MlpConfig {
  readonly inner: number;
  readonly activation: Activation;
  readonly init: Init;
  readonly bias?: boolean;
}

/** down_proj(activation(gate_proj(x)) * up_proj(x)): [...,H] -> [...,H]. */
export function gatedMlp(trace: ModelTrace, x: Tensor, config: MlpConfig): Tensor {
  const { inner, activation, init, bias } = config;
  const gate = linear(trace, 'gate_proj', x, { out: inner, init, bias });
  const up = linear(trace, 'up_proj', x, { out: inner, init, bias });
  return linear(trace, 'down_proj', gated(gate, up, activation), { out: x.shape.at(-1)!, init, bias });
}
