import { dtypeBytes } from '../dtype.js';
import { type Definitions, once, type TensorType } from '../op-definition.js';
import { elementCount } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { expectDtype, expectRank, expectShape, f32 } from './checks.js';
import { reshape } from './shape.js';

/**
 * Projection and cross-entropy in one: h [...,H], w [V,H], labels i32[...] -> per token, flattened to [N]: `loss`
 * (0 where the label is negative), `lse` of the logits, `correct` (1 where the largest logit is the label's).
 * softcap > 0 caps the logits to softcap*tanh(logit/softcap). Logits exist only chunk by chunk.
 */
export function linearCrossEntropy(
  h: Tensor,
  w: Tensor,
  labels: Tensor,
  options: { softcap?: number } = {},
): { loss: Tensor; lse: Tensor; correct: Tensor } {
  const rows = h.shape.length > 2 ? reshape(h, [-1, h.shape.at(-1)!]) : h;
  const flat = labels.shape.length > 1 ? reshape(labels, [-1]) : labels;
  return h.graph.emit(
    'linear_cross_entropy',
    { h: rows, w, labels: flat },
    { softcap: options.softcap ?? 0 },
  );
}

interface LossInputs {
  h: TensorType;
  w: TensorType;
  labels: TensorType;
}

function checkLoss(call: { inputs: LossInputs; fail(reason: string): never }): TensorType {
  const { h, w, labels } = call.inputs;
  expectDtype(call, 'f32', { h, w });
  expectDtype(call, 'i32', { labels });
  expectRank(call, 'h', h, 2);
  expectRank(call, 'w', w, 2);
  if (h.shape[1] !== w.shape[1]) call.fail(`the widths ${h.shape[1]} and ${w.shape[1]} differ`);
  expectShape(call, 'labels', labels, [h.shape[0]!]);
  return f32([h.shape[0]!]);
}

/** Of the ops that give loss and gradients at once: each token's gradient of the loss is known beforehand. */
function checkTrain(call: {
  inputs: LossInputs & { dloss: TensorType };
  fail(reason: string): never;
}): TensorType {
  const perToken = checkLoss(call);
  const { dloss } = call.inputs;
  expectDtype(call, 'f32', { dloss });
  expectShape(call, 'dloss', dloss, perToken.shape);
  return perToken;
}

const product = ({ h, w }: LossInputs) => 2 * elementCount(h.shape) * w.shape[0]!;

/**
 * Tokens whose logits exist at once in the gradient of h [tokens, H], w [words, H], fewer where that of w is not wanted
 * (native/core/scratch.h, loss_chunk).
 */
export function lossChunk(h: TensorType, w: TensorType, dw: boolean): number {
  const [tokens, vocabulary] = [h.shape[0]!, w.shape[0]!];
  const bytes = dw ? 2 ** 25 : 2 ** 24;
  const fitting = Math.floor(Math.floor(bytes / dtypeBytes(h.dtype) / Math.max(1, vocabulary)) / 64) * 64;
  return Math.min(Math.max(64, Math.min(1024, fitting)), tokens);
}

/** Elements from one token's logits to the next (native/core/scratch.h, logit_stride). */
function logitStride(vocabulary: number): number {
  return Math.ceil(vocabulary / 16) * 16 + 16;
}

function trainScratch({ h, w }: LossInputs, dw: boolean): number {
  const vocabulary = w.shape[0]!;
  return (
    (dtypeBytes(h.dtype) * logitStride(vocabulary) + 16 * Math.ceil(vocabulary / 1024)) * lossChunk(h, w, dw)
  );
}

export const lossOps: Definitions<
  | 'linear_cross_entropy'
  | 'linear_cross_entropy_grad'
  | 'linear_cross_entropy_train'
  | 'accumulate_linear_cross_entropy_train'
> = {
  linear_cross_entropy: {
    infer(call) {
      const perToken = checkLoss(call);
      return { loss: perToken, lse: perToken, correct: perToken };
    },
    precision: { operands: ['h', 'w'] },
    gradient: (call) => {
      const { graph, inputs, outputs, grads, attributes } = call;
      if (grads.lse || grads.correct) call.fail('only the loss has a gradient, lse and correct have none');
      const fused = once(() =>
        graph.emit(
          'linear_cross_entropy_grad',
          { dloss: grads.loss!, ...inputs, lse: outputs.lse },
          attributes,
        ),
      );
      return { h: () => fused().dh, w: () => fused().dw };
    },
    flops: ({ inputs }) => product(inputs),
    scratch: ({ inputs: { h } }) => 128 * h.shape[0]!,
  },
  linear_cross_entropy_grad: {
    infer(call) {
      const perToken = checkLoss(call);
      const { dloss, h, w, lse } = call.inputs;
      expectDtype(call, 'f32', { dloss, lse });
      expectShape(call, 'dloss', dloss, perToken.shape);
      expectShape(call, 'lse', lse, perToken.shape);
      return { dh: h, dw: w };
    },
    precision: { operands: ['h', 'w'], stores: ['dh'] },
    flops: ({ inputs, outputs }) => product(inputs) * (outputs.dw ? 2 : 1),
    scratch: ({ inputs: { h, w }, outputs: { dw } }) =>
      dtypeBytes(h.dtype) * logitStride(w.shape[0]!) * lossChunk(h, w, dw !== null),
  },
  linear_cross_entropy_train: {
    infer(call) {
      const perToken = checkTrain(call);
      const { h, w } = call.inputs;
      return { loss: perToken, lse: perToken, correct: perToken, dh: h, dw: w };
    },
    precision: { operands: ['h', 'w'], stores: ['dh'] },
    flops: ({ inputs, outputs }) => product(inputs) * (outputs.dw ? 3 : 2),
    scratch: ({ inputs, outputs }) => trainScratch(inputs, outputs.dw !== null),
  },
  accumulate_linear_cross_entropy_train: {
    infer(call) {
      const perToken = checkTrain(call);
      const { dw, h, w } = call.inputs;
      expectDtype(call, 'f32', { dw });
      expectShape(call, 'dw', dw, w.shape);
      return { loss: perToken, lse: perToken, correct: perToken, dh: h };
    },
    precision: { operands: ['h', 'w'], stores: ['dh'] },
    flops: ({ inputs }) => product(inputs) * 3,
    scratch: ({ inputs }) => trainScratch(inputs, true),
  },
};
