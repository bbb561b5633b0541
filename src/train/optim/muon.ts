import {
  add,
  affine,
  assign,
  cast,
  concat,
  type Graph,
  gatherRows,
  mul,
  notEqual,
  reshape,
  slice,
  sub,
  type Tensor,
} from '../../graph/index.js';
import type { ParameterSpec } from '../../models/index.js';
import { type AdamWOptions, adamW } from './adamw.js';
import { orthogonalize } from './newton-schulz.js';
import type { Optimizer, Updated } from './optimizer.js';

/** The keys of `training.optimizer` with name muon. */
export interface MuonOptions {
  momentum: number;
  nesterov: boolean;
  /** Newton–Schulz iterations. */
  ns_steps: number;
  /** What the orthogonal update is multiplied with beside the learning rate, by torch.optim.Muon's names. */
  adjust_lr_fn: 'original' | 'match_rms_adamw';
  eps: number;
  weight_decay: number;
  /** For embeddings, head, norms, biases and routers; lr_ratio: their learning rate as a share of the hidden weights'. */
  adamw: AdamWOptions & { lr_ratio: number };
}

/**
 * Muon (Keller Jordan, 2024, https://kellerjordan.github.io/posts/muon/) as torch.optim.Muon: for the weights of hidden
 * projections, with g the clipped gradient,
 *
 *     B = momentum·B + (1 − momentum)·g
 *     O = orthogonalize(nesterov ? momentum·B + (1 − momentum)·g : B)
 *     p = p·(1 − lr·weight_decay) − lr·r·O
 *
 * r is max(1, rows/columns)^½ (`original`), or 0.2·max(rows, columns)^½ (`match_rms_adamw`), which gives updates the size of
 * AdamW's, so that its rates and decay can stay (Liu et al., "Muon is Scalable for LLM Training", 2025, arXiv:2502.16982).
 * Stacked experts are as many matrices. All other parameters are AdamW's.
 */
export function muon(options: MuonOptions): Optimizer {
  const others = adamW(options.adamw);
  return {
    name: 'muon',
    stateDtype: 'f32',
    states: (spec) => (isHidden(spec) ? [momentumName(spec.name)] : others.states(spec)),
    update(graph, updated, scalars) {
      others.update(
        graph,
        updated.filter(({ spec }) => !isHidden(spec)),
        withRate(scalars, options.adamw.lr_ratio),
      );
      const step = stepScalars(scalars, options);
      for (const each of updated.filter(({ spec }) => isHidden(spec)))
        graph.scope(each.spec.name, () => updateOne(graph, each, step, options));
    },
  };
}

/** Weights of projections, stacked experts among them: neither embeddings, head, norms nor routers. */
export const isHidden = ({ projection }: ParameterSpec): boolean => projection !== undefined;

const momentumName = (parameter: string): string => `optimizer.momentum_buffer.${parameter}`;

const withRate = (scalars: Tensor, ratio: number): Tensor =>
  ratio === 1 ? scalars : concat([affine(slice(scalars, 0, 0, 1), ratio, 0), slice(scalars, 0, 1)], 0);

/** What all updates of a step share, each of one element. A step whose scale is NaN is `skipped`. */
interface StepScalars {
  scale: Tensor;
  /** i32: the row of a one-row table to take; -1, which gives zeros, where the step is skipped. */
  row: Tensor;
  /** momentum; 1 where skipped. */
  keep: Tensor;
  /** Learning rate; 0 where skipped. */
  rate: Tensor;
}

function stepScalars(scalars: Tensor, { momentum }: MuonOptions): StepScalars {
  const scale = slice(scalars, 0, 2, 3);
  const skipped = notEqual(scale, scale); // NaN alone differs from itself
  return {
    scale,
    row: cast(affine(skipped, -1, 0), 'i32'),
    keep: affine(skipped, 1 - momentum, momentum),
    rate: mul(slice(scalars, 0, 0, 1), sub(1, skipped)),
  };
}

function updateOne(
  graph: Graph,
  { spec, parameter, gradient }: Updated,
  { scale, row, keep, rate }: StepScalars,
  options: MuonOptions,
): void {
  const { momentum, nesterov, ns_steps, eps, weight_decay } = options;
  const { shape } = parameter;
  const buffer = graph.state(momentumName(spec.name), 'f32', shape);
  // numbers that are none must not reach the sums below, where times 0 would not make them 0
  const clipped = reshape(gatherRows(reshape(mul(gradient, scale), [1, -1]), row), shape);
  const fresh = mul(clipped, 1 - momentum);
  const moved = add(mul(buffer, keep), fresh);
  const direction = orthogonalize(nesterov ? add(mul(moved, momentum), fresh) : moved, ns_steps, eps);
  const decayed = mul(parameter, affine(rate, -weight_decay, 1));
  assign(parameter, sub(decayed, mul(direction, affine(rate, updateScale(spec, options), 0))));
  assign(buffer, moved);
}

/** The factor r of the matrix as its layer applies it: [out,in], however it is stored. */
function updateScale({ shape, projection }: ParameterSpec, { adjust_lr_fn }: MuonOptions): number {
  const [first, second] = shape.slice(-2) as [number, number];
  const [rows, columns] = projection?.transposed ? [second, first] : [first, second];
  return adjust_lr_fn === 'original'
    ? Math.sqrt(Math.max(1, rows / columns))
    : 0.2 * Math.sqrt(Math.max(rows, columns));
}
