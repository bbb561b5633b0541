import { elementCount } from '../../../src/graph/index.js';
import type { Kernels } from './kernel.js';

export const matmulKernels: Kernels<
  'matmul' | 'matmul_sum' | 'accumulate_matmul' | 'grouped_matmul' | 'grouped_matmul_wgrad'
> = {
  matmul: ({ a, b, bias }, { y }, { trans_a, trans_b }) => {
    const [m, n] = y.shape.slice(-2) as [number, number];
    const inner = a.shape.at(trans_a ? -2 : -1)!;
    const batch = elementCount(y.shape.slice(0, -2));
    const stepB = b.shape.length === 2 ? 0 : inner * n;
    for (let s = 0; s < batch; s++) {
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let sum = bias ? bias.data[j]! : 0;
          for (let k = 0; k < inner; k++) {
            const left = a.data[s * m * inner + (trans_a ? k * m + i : i * inner + k)]!;
            sum += left * b.data[s * stepB + (trans_b ? j * inner + k : k * n + j)]!;
          }
          y.data[(s * m + i) * n + j] = sum;
        }
      }
    }
  },
  matmul_sum: ({ addend, bias, factors }, { y }, { trans_b }) => {
    const n = y.shape.at(-1)!;
    for (let at = 0; at < y.data.length; at++) {
      const [i, j] = [Math.floor(at / n), at % n];
      let sum = (bias ? bias.data[j]! : 0) + (addend ? addend.data[at]! : 0);
      trans_b.forEach((transposed, term) => {
        const [a, b] = [factors[2 * term]!, factors[2 * term + 1]!];
        const inner = a.shape.at(-1)!;
        for (let k = 0; k < inner; k++)
          sum += a.data[i * inner + k]! * b.data[transposed ? j * inner + k : k * n + j]!;
      });
      y.data[at] = sum;
    }
  },
  accumulate_matmul: ({ state, a, b }, _outputs, { trans_a, trans_b }) => {
    const [m, n] = state.shape as [number, number];
    const inner = a.shape[trans_a ? 0 : 1]!;
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        for (let k = 0; k < inner; k++) {
          const left = a.data[trans_a ? k * m + i : i * inner + k]!;
          state.data[i * n + j]! += left * b.data[trans_b ? j * inner + k : k * n + j]!;
        }
      }
    }
  },
  grouped_matmul: ({ x, w, offsets }, { y }, { trans_b }) => {
    const [experts] = w.shape as [number];
    const inner = x.shape[1]!;
    const n = y.shape[1]!;
    for (let e = 0; e < experts; e++) {
      for (let r = offsets.data[e]!; r < offsets.data[e + 1]!; r++) {
        for (let j = 0; j < n; j++) {
          let sum = 0;
          for (let k = 0; k < inner; k++) {
            sum += x.data[r * inner + k]! * w.data[e * inner * n + (trans_b ? j * inner + k : k * n + j)]!;
          }
          y.data[r * n + j] = sum;
        }
      }
    }
  },
  grouped_matmul_wgrad: ({ a, b, offsets }, { dw }) => {
    const [experts, m, n] = dw.shape as [number, number, number];
    for (let e = 0; e < experts; e++) {
      for (let r = offsets.data[e]!; r < offsets.data[e + 1]!; r++) {
        for (let i = 0; i < m; i++) {
          for (let j = 0; j < n; j++)
            dw.data[(e * m + i) * n + j]! += a.data[r * m + i]! * b.data[r * n + j]!;
        }
      }
    }
  },
};
