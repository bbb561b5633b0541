import { rowsOf } from './array.js';
import type { Kernels } from './kernel.js';

export const normKernels: Kernels<'rms_norm' | 'rms_norm_grad' | 'layer_norm' | 'layer_norm_grad'> = {
  rms_norm: ({ x, weight }, { y, rstd }, { eps, weight_offset }) => {
    const [rows, width] = rowsOf(x.shape);
    for (let r = 0; r < rows; r++) {
      const row = x.data.subarray(r * width, (r + 1) * width);
      const scale = 1 / Math.sqrt(row.reduce((sum, v) => sum + v * v, 0) / width + eps);
      rstd.data[r] = scale;
      row.forEach((v, i) => {
        y.data[r * width + i] = v * scale * (weight.data[i]! + weight_offset);
      });
    }
  },
  // d rstd / d x_i = -rstd³ x_i / H
  rms_norm_grad: ({ dy, x, weight, rstd }, { dx, dweight }, { weight_offset }) => {
    const [rows, width] = rowsOf(x.shape);
    for (let r = 0; r < rows; r++) {
      const scale = rstd.data[r]!;
      let dot = 0;
      for (let i = 0; i < width; i++) {
        dot += dy.data[r * width + i]! * (weight.data[i]! + weight_offset) * x.data[r * width + i]!;
      }
      for (let i = 0; i < width; i++) {
        const at = r * width + i;
        const direct = dy.data[at]! * (weight.data[i]! + weight_offset) * scale;
        dx.data[at] = direct - (scale ** 3 / width) * x.data[at]! * dot;
        if (dweight) dweight.data[i]! += dy.data[at]! * x.data[at]! * scale;
      }
    }
  },
  layer_norm: ({ x, weight, bias }, { y, mean, rstd }, { eps }) => {
    const [rows, width] = rowsOf(x.shape);
    for (let r = 0; r < rows; r++) {
      const row = x.data.subarray(r * width, (r + 1) * width);
      const middle = row.reduce((a, b) => a + b, 0) / width;
      const scale = 1 / Math.sqrt(row.reduce((sum, v) => sum + (v - middle) ** 2, 0) / width + eps);
      mean.data[r] = middle;
      rstd.data[r] = scale;
      row.forEach((v, i) => {
        y.data[r * width + i] = (v - middle) * scale * weight.data[i]! + (bias?.data[i] ?? 0);
      });
    }
  },
  layer_norm_grad: ({ dy, x, weight, mean, rstd }, { dx, dweight, dbias }) => {
    const [rows, width] = rowsOf(x.shape);
    for (let r = 0; r < rows; r++) {
      const normal = (i: number) => (x.data[r * width + i]! - mean.data[r]!) * rstd.data[r]!;
      let sum = 0;
      let dot = 0;
      for (let i = 0; i < width; i++) {
        const d = dy.data[r * width + i]! * weight.data[i]!;
        sum += d;
        dot += d * normal(i);
      }
      for (let i = 0; i < width; i++) {
        const at = r * width + i;
        const d = dy.data[at]! * weight.data[i]!;
        dx.data[at] = rstd.data[r]! * (d - sum / width - (normal(i) * dot) / width);
        if (dweight) dweight.data[i]! += dy.data[at]! * normal(i);
        if (dbias) dbias.data[i]! += dy.data[at]!;
      }
    }
  },
};
