import type { RefArray } from './array.js';
import type { Kernel, Kernels } from './kernel.js';

/** Logits of one token and, per logit, d logit / d (h·w). */
function logitsOf(
  h: RefArray,
  w: RefArray,
  token: number,
  softcap: number,
): { logits: number[]; slopes: number[] } {
  const [vocabulary, width] = w.shape as [number, number];
  const logits: number[] = [];
  const slopes: number[] = [];
  for (let v = 0; v < vocabulary; v++) {
    let dot = 0;
    for (let i = 0; i < width; i++) dot += h.data[token * width + i]! * w.data[v * width + i]!;
    const capped = softcap > 0 ? Math.tanh(dot / softcap) : 0;
    logits.push(softcap > 0 ? softcap * capped : dot);
    slopes.push(1 - capped * capped);
  }
  return { logits, slopes };
}

const forward: Kernel<'linear_cross_entropy'> = ({ h, w, labels }, { loss, lse, correct }, { softcap }) => {
  labels.data.forEach((label, token) => {
    const { logits } = logitsOf(h, w, token, softcap);
    const largest = Math.max(...logits);
    lse.data[token] = largest + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0));
    if (label < 0) return;
    loss.data[token] = lse.data[token]! - logits[label]!;
    correct.data[token] = logits.indexOf(largest) === label ? 1 : 0;
  });
};

const backward: Kernel<'linear_cross_entropy_grad'> = (
  { dloss, h, w, labels, lse },
  { dh, dw },
  { softcap },
) => {
  const width = h.shape[1]!;
  labels.data.forEach((label, token) => {
    if (label < 0) return;
    const { logits, slopes } = logitsOf(h, w, token, softcap);
    logits.forEach((logit, v) => {
      const dlogit = dloss.data[token]! * (Math.exp(logit - lse.data[token]!) - (v === label ? 1 : 0));
      for (let i = 0; i < width; i++) {
        dh.data[token * width + i]! += dlogit * slopes[v]! * w.data[v * width + i]!;
        if (dw) dw.data[v * width + i]! += dlogit * slopes[v]! * h.data[token * width + i]!;
      }
    });
  });
};

export const lossKernels: Kernels<
  | 'linear_cross_entropy'
  | 'linear_cross_entropy_grad'
  | 'linear_cross_entropy_train'
  | 'accumulate_linear_cross_entropy_train'
> = {
  linear_cross_entropy: forward,
  linear_cross_entropy_grad: backward,
  linear_cross_entropy_train: (inputs, outputs, attributes) => {
    forward(inputs, outputs, attributes);
    backward({ ...inputs, lse: outputs.lse }, outputs, attributes);
  },
  accumulate_linear_cross_entropy_train: ({ dw, ...inputs }, outputs, attributes) => {
    forward(inputs, outputs, attributes);
    backward({ ...inputs, lse: outputs.lse }, { dh: outputs.dh, dw }, attributes);
  },
};
