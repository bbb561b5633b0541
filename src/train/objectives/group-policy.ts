import {
  add,
  affine,
  clamp,
  div,
  exp,
  maximum,
  mean,
  minimum,
  mul,
  reshape,
  stopGradient,
  sub,
  sum,
  type Tensor,
} from '../../graph/index.js';

/** How rewards of one prompt's answers become advantages: divided by the group's, the batch's, or no deviation. */
export type RewardScale = 'group' | 'batch' | 'none';

export interface GroupPolicyOptions {
  readonly loss: 'grpo' | 'bnpo' | 'dr_grpo' | 'dapo' | 'cispo';
  /** Ratios of single tokens, or of whole answers (GSPO). */
  readonly importance: 'token' | 'sequence';
  /** Weight of the KL term; 0: none. */
  readonly beta: number;
  readonly epsilonLow: number;
  readonly epsilonHigh: number;
  /** `dr_grpo` divides by this instead of the answers' lengths. */
  readonly maxCompletionLength: number;
}

export interface GroupPolicyInputs {
  /** [rows, tokens] log-probabilities under the policy. */
  readonly logps: Tensor;
  /** Under the policy that wrote the answers; null: the same as `logps`, without a gradient. */
  readonly oldLogps: Tensor | null;
  /** Under the reference; needed where beta is not 0. */
  readonly refLogps: Tensor | null;
  /** [rows] */
  readonly advantages: Tensor;
  /** [rows, tokens]: 1 for the answer's tokens. */
  readonly mask: Tensor;
}

/** Group-relative policy optimization. Scalar. Formulas of TRL's GRPOTrainer. */
export function groupPolicyLoss(inputs: GroupPolicyInputs, options: GroupPolicyOptions): Tensor {
  const { logps, refLogps, mask } = inputs;
  const oldLogps = inputs.oldLogps ?? stopGradient(logps);
  const lengths = maximum(sum(mask, { axes: [1], keepdims: true }), 1);
  const difference = sub(logps, oldLogps);
  const logRatio =
    options.importance === 'token'
      ? difference
      : div(sum(mul(difference, mask), { axes: [1], keepdims: true }), lengths);
  const advantages = reshape(inputs.advantages, [-1, 1]);
  let perToken = policyTerm(exp(logRatio), advantages, logps, options);
  if (options.beta !== 0) {
    const gap = sub(refLogps!, logps);
    perToken = add(perToken, mul(affine(sub(exp(gap), gap), 1, -1), options.beta));
  }
  const masked = mul(perToken, mask); // a sequence's one term is spread over its tokens
  if (options.loss === 'grpo') return mean(div(sum(masked, { axes: [1], keepdims: true }), lengths));
  const total = sum(masked);
  const [rows] = mask.shape as [number];
  if (options.loss === 'dr_grpo') return mul(total, 1 / (rows * options.maxCompletionLength));
  return div(total, maximum(sum(mask), 1));
}

function policyTerm(ratio: Tensor, advantages: Tensor, logps: Tensor, options: GroupPolicyOptions): Tensor {
  const { epsilonLow, epsilonHigh } = options;
  if (options.loss === 'cispo') {
    const weight = stopGradient(minimum(ratio, epsilonHigh));
    return affine(mul(mul(weight, advantages), logps), -1, 0);
  }
  const clipped = clamp(ratio, 1 - epsilonLow, 1 + epsilonHigh);
  return affine(minimum(mul(ratio, advantages), mul(clipped, advantages)), -1, 0);
}

/**
 * Advantages of rows whose every `groupSize` consecutive ones answer the same prompt: r - mean of the group, divided
 * by a standard deviation (n-1) + 1e-4.
 */
export function groupAdvantages(rewards: readonly number[], groupSize: number, scale: RewardScale): number[] {
  const whole = deviation(rewards);
  return rewards.map((reward, row) => {
    const first = Math.floor(row / groupSize) * groupSize;
    const group = rewards.slice(first, first + groupSize);
    const centred = reward - average(group);
    if (scale === 'none') return centred;
    return centred / ((scale === 'group' ? deviation(group) : whole) + 1e-4);
  });
}

const average = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

function deviation(values: readonly number[]): number {
  const centre = average(values);
  return Math.sqrt(values.reduce((total, value) => total + (value - centre) ** 2, 0) / (values.length - 1));
}
