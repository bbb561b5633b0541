import { add, affine, dropout, groupedMatmul, matmul, type Tensor } from '../../graph/index.js';
import { type Init, type ParameterSpec, zeros } from '../parameter.js';
import type { Adapter, LinearSite, ModelTrace } from '../trace.js';

export interface LoraConfig {
  readonly rank: number;
  readonly alpha: number;
  readonly dropout: number;
  /** Last parts of module paths (`q_proj`), `all-linear` (all but routers and head), or a regular expression. */
  readonly targetModules: readonly string[] | string;
  /** Scale alpha/√rank instead of alpha/rank. */
  readonly rankStabilized: boolean;
}

/**
 * Low-rank adapters: y + scale · B(A(dropout(x))). A [r,in] starts as PEFT's (uniform, bound 1/√in), B [out,r] at
 * zero; states have PEFT's names. On stacked experts each expert has its own pair.
 */
export class LoraAdapter implements Adapter {
  readonly config: LoraConfig;
  /** Whether dropout acts. Off when scoring. */
  readonly training: boolean;
  readonly parameters = new Map<string, ParameterSpec>();
  /** Module paths that were adapted, in the order met. */
  readonly sites = new Map<string, LinearSite>();

  constructor(config: LoraConfig, options: { training: boolean } = { training: false }) {
    this.config = config;
    this.training = options.training;
  }

  get scale(): number {
    const { alpha, rank, rankStabilized } = this.config;
    return alpha / (rankStabilized ? Math.sqrt(rank) : rank);
  }

  apply(trace: ModelTrace, site: LinearSite, x: Tensor, y: Tensor): Tensor {
    if (!this.targets(site)) return y;
    const { rank } = this.config;
    this.sites.set(site.path, site);
    return trace.graph.scope('lora', () => {
      const a = this.#matrix(trace, site, 'A', [rank, site.inFeatures], uniformInit(site.inFeatures));
      const b = this.#matrix(trace, site, 'B', [site.outFeatures, rank], zeros);
      const p = this.training ? this.config.dropout : 0;
      const input = p > 0 ? dropout(x, trace.rng, { p, stream: trace.nextStream() }) : x;
      const product = (left: Tensor, right: Tensor) =>
        site.experts
          ? groupedMatmul(left, right, site.experts.offsets, { transB: true })
          : matmul(left, right, { transB: true });
      // the scale is applied where it costs least: to the rank's few numbers per token
      return add(y, product(affine(product(input, a), this.scale, 0), b));
    });
  }

  targets(site: Pick<LinearSite, 'path' | 'kind'>): boolean {
    const { targetModules } = this.config;
    if (targetModules === 'all-linear') return site.kind === 'projection';
    if (typeof targetModules === 'string') return new RegExp(`^(?:${targetModules})$`).test(site.path);
    return targetModules.some((name) => site.path === name || site.path.endsWith(`.${name}`));
  }

  #matrix(trace: ModelTrace, site: LinearSite, letter: 'A' | 'B', shape: number[], init: Init): Tensor {
    const name = stateName(site.path, letter);
    const whole = site.experts ? [site.experts.count, ...shape] : shape;
    this.parameters.set(name, {
      name,
      shape: whole,
      dtype: 'f32',
      init,
      stacked: site.experts !== null,
      buffer: false,
    });
    return trace.graph.state(name, 'f32', whole);
  }
}

/** PEFT's name of an adapter matrix: `base_model.model.<path>.lora_A.weight`. */
export function stateName(path: string, letter: 'A' | 'B'): string {
  return `base_model.model.${path}.lora_${letter}.weight`;
}

/** kaiming_uniform with a = √5, as PEFT starts A. */
function uniformInit(inFeatures: number): Init {
  return { kind: 'uniform', bound: 1 / Math.sqrt(inFeatures) };
}
