import type { Tensor } from '../../graph/index.js';
import * as ops from '../../graph/index.js';
import { ones, zeros } from '../parameter.js';
import type { ModelTrace } from '../trace.js';

/** RMS norm over the last axis with the weight of submodule `name`; Gemma stores the weight less one. */
export function rmsNorm(
  trace: ModelTrace,
  name: string,
  x: Tensor,
  options: { eps: number; weightOffset?: number },
): Tensor {
  const { eps, weightOffset = 0 } = options;
  return trace.within(name, () => {
    const weight = trace.parameter('weight', [x.shape.at(-1)!], weightOffset === 1 ? zeros : ones);
    return ops.rmsNorm(x, weight, { eps, weightOffset });
  });
}

/** Layer norm over the last axis with weight and bias of submodule `name`. */
export function layerNorm(trace: ModelTrace, name: string, x: Tensor, options: { eps: number }): Tensor {
  return trace.within(name, () => {
    const width = x.shape.at(-1)!;
    return ops.layerNorm(
      x,
      trace.parameter('weight', [width], ones),
      trace.parameter('bias', [width], zeros),
      options,
    );
  });
}
