import { add, groupedMatmul, matmul, quantizedMatmul, Tensor } from '../../graph/index.js';
import { type Init, zeros } from '../parameter.js';
import type { LinearSite, ModelTrace } from '../trace.js';

export interface LinearOptions {
  readonly out: number;
  readonly init: Init;
  readonly bias?: boolean;
  /** GPT-2 stores [in,out]. */
  readonly transposed?: boolean;
  readonly kind?: LinearSite['kind'];
}

/**
 * x [...,in] times the weight [out,in] of submodule `name`, plus its bias: [...,out]. Every linear layer of every
 * model passes here, so that an adapter can act on any of them.
 */
export function linear(trace: ModelTrace, name: string, x: Tensor, options: LinearOptions): Tensor {
  const { out, init, bias = false, transposed = false, kind = 'projection' } = options;
  return trace.within(name, () => {
    const inFeatures = x.shape.at(-1)!;
    const shape = transposed ? [inFeatures, out] : [out, inFeatures];
    const weight =
      kind === 'router'
        ? trace.parameter('weight', shape, init)
        : trace.projection(shape, init, { transposed });
    const biasTensor = bias ? trace.parameter('bias', [out], zeros) : null;
    const y =
      weight instanceof Tensor
        ? matmul(x, weight, { transB: !transposed, bias: biasTensor })
        : quantizedMatmul(x, weight, { transB: true, bias: biasTensor });
    const site = { path: trace.path, inFeatures, outFeatures: out, experts: null, transposed, kind };
    return trace.adapter?.apply(trace, site, x, y) ?? y;
  });
}

/** Rows x [R,in] grouped by expert times each expert's weight: stacked [E,out,in] -> [R,out]. */
export function expertLinear(
  trace: ModelTrace,
  name: string,
  x: Tensor,
  options: { out: number; init: Init; experts: number; offsets: Tensor },
): Tensor {
  const { out, init, experts, offsets } = options;
  return trace.within(name, () => {
    const inFeatures = x.shape.at(-1)!;
    const weight = trace.projection([experts, out, inFeatures], init, { stacked: true });
    const y =
      weight instanceof Tensor
        ? groupedMatmul(x, weight, offsets, { transB: true })
        : quantizedMatmul(x, weight, { transB: true, offsets });
    const site: LinearSite = {
      path: trace.path,
      inFeatures,
      outFeatures: out,
      experts: { count: experts, offsets },
      transposed: false,
      kind: 'projection',
    };
    return trace.adapter?.apply(trace, site, x, y) ?? y;
  });
}

/** a + b, the residual connection; named so that it can be found in a profile. */
export function residual(trace: ModelTrace, x: Tensor, branch: Tensor): Tensor {
  return trace.graph.scope('residual', () => add(x, branch));
}
