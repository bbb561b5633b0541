import {
  add,
  affine,
  concat,
  div,
  logSoftmax,
  mean,
  mul,
  relu,
  reshape,
  sigmoid,
  slice,
  square,
  sub,
  type Tensor,
} from '../../graph/index.js';

/** Preference losses by the names of TRL's `DPOConfig.loss_type`. */
export type PreferenceLoss = 'sigmoid' | 'hinge' | 'ipo' | 'robust' | 'apo_zero' | 'sigmoid_norm';

export interface PreferenceInputs {
  /** [pairs]: log-probability of the answer under the policy less that under the reference, summed over its tokens. */
  readonly chosen: Tensor;
  readonly rejected: Tensor;
  /** [pairs]: tokens of each answer; `ipo` and `sigmoid_norm` compare means per token. */
  readonly chosenTokens: Tensor;
  readonly rejectedTokens: Tensor;
}

export interface PreferenceOptions {
  readonly loss: PreferenceLoss;
  readonly beta: number;
  readonly labelSmoothing?: number;
}

/** Direct preference optimization: mean over pairs of the chosen loss. Scalar. Formulas of TRL's DPOTrainer. */
export function preferenceLoss(inputs: PreferenceInputs, options: PreferenceOptions): Tensor {
  return mean(pairLosses(inputs, options));
}

function pairLosses(
  { chosen, rejected, chosenTokens, rejectedTokens }: PreferenceInputs,
  options: PreferenceOptions,
) {
  const { loss, beta, labelSmoothing: smoothing = 0 } = options;
  const margin = mul(sub(chosen, rejected), beta);
  const perToken = () => sub(div(chosen, chosenTokens), div(rejected, rejectedTokens));
  switch (loss) {
    case 'sigmoid':
      return smoothed(margin, 1 - smoothing, smoothing);
    case 'sigmoid_norm':
      return smoothed(mul(perToken(), beta), 1 - smoothing, smoothing);
    case 'robust':
      return affine(smoothed(margin, 1 - smoothing, -smoothing), 1 / (1 - 2 * smoothing), 0);
    case 'hinge':
      return relu(sub(1, margin));
    case 'ipo':
      return square(affine(perToken(), 1, -1 / (2 * beta)));
    case 'apo_zero':
      return add(sub(1, sigmoid(mul(chosen, beta))), sigmoid(mul(rejected, beta)));
  }
}

/** -win·log σ(x) - lose·log σ(-x) */
function smoothed(x: Tensor, win: number, lose: number): Tensor {
  const won = affine(logSigmoid(x), -win, 0);
  return lose === 0 ? won : add(won, affine(logSigmoid(affine(x, -1, 0)), -lose, 0));
}

/** log σ(x) of [N] as the first of log_softmax([x, 0]), which neither over- nor underflows. */
function logSigmoid(x: Tensor): Tensor {
  const column = reshape(x, [-1, 1]);
  return reshape(slice(logSoftmax(concat([column, affine(column, 0, 0)], 1)), 1, 0, 1), x.shape);
}
