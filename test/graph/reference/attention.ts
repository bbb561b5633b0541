import type { RefArray } from './array.js';
import type { Kernels } from './kernel.js';

interface Setting {
  scale: number;
  causal: boolean;
  window: number;
  softcap: number;
}

interface Operands {
  q: RefArray;
  k: RefArray;
  q_segments: RefArray;
  k_segments: RefArray;
  bias: RefArray | null;
}

/** Index of the first query of row b: one for all rows, or one each. */
const startOf = (starts: RefArray | null, b: number): number =>
  starts === null ? 0 : starts.data[starts.data.length > 1 ? b : 0]!;

/** The score of query (b,t,h) and key (b,s), or null where the key is not seen; `slope` is d score / d (q·k). */
function scoreOf(
  { q, k, q_segments, k_segments, bias }: Operands,
  { scale, causal, window, softcap }: Setting,
  [b, t, h, s]: readonly [number, number, number, number],
  start: number,
): { score: number; slope: number } | null {
  const [, queries, heads, width] = q.shape as [number, number, number, number];
  const [, keys, groups] = k.shape as [number, number, number];
  const segment = q_segments.data[b * queries + t]!;
  if (segment === 0 || segment !== k_segments.data[b * keys + s]) return null;
  if (causal && s > start + t) return null;
  if (window > 0 && s <= start + t - window) return null;
  const group = Math.floor((h * groups) / heads);
  let dot = 0;
  for (let i = 0; i < width; i++) {
    dot +=
      q.data[((b * queries + t) * heads + h) * width + i]! *
      k.data[((b * keys + s) * groups + group) * width + i]!;
  }
  const raw = dot * scale + (bias ? bias.data[(h * queries + t) * keys + s]! : 0);
  if (softcap === 0) return { score: raw, slope: 1 };
  const capped = Math.tanh(raw / softcap);
  return { score: softcap * capped, slope: 1 - capped * capped };
}

export const attentionKernels: Kernels<'rope' | 'attention' | 'attention_grad' | 'cache_write'> = {
  rope: ({ x, positions, inv_freq }, { y }, { interleaved, inverse, scale }) => {
    const [batch, length, heads, width] = x.shape as [number, number, number, number];
    const half = inv_freq.shape[0]!;
    y.data.set(x.data);
    for (let row = 0; row < batch * length * heads; row++) {
      const position = positions.data[Math.floor(row / heads)]!;
      for (let i = 0; i < half; i++) {
        const first = row * width + (interleaved ? 2 * i : i);
        const second = row * width + (interleaved ? 2 * i + 1 : i + half);
        const angle = position * inv_freq.data[i]!;
        const cos = Math.cos(angle) * scale;
        const sin = Math.sin(angle) * scale * (inverse ? -1 : 1);
        y.data[first] = x.data[first]! * cos - x.data[second]! * sin;
        y.data[second] = x.data[second]! * cos + x.data[first]! * sin;
      }
    }
  },
  attention: (inputs, { o, lse }, setting) => {
    const { q, v, q_start } = inputs;
    const [batch, queries, heads] = q.shape as [number, number, number];
    const [, keys, groups, width] = v.shape as [number, number, number, number];
    for (let b = 0; b < batch; b++) {
      for (let t = 0; t < queries; t++) {
        for (let h = 0; h < heads; h++) {
          const scores: { s: number; score: number }[] = [];
          for (let s = 0; s < keys; s++) {
            const seen = scoreOf(inputs, setting, [b, t, h, s], startOf(q_start, b));
            if (seen) scores.push({ s, score: seen.score });
          }
          if (scores.length === 0) continue;
          const largest = Math.max(...scores.map(({ score }) => score));
          const total = scores.reduce((sum, { score }) => sum + Math.exp(score - largest), 0);
          lse.data[(b * heads + h) * queries + t] = largest + Math.log(total);
          const group = Math.floor((h * groups) / heads);
          for (const { s, score } of scores) {
            const p = Math.exp(score - largest) / total;
            for (let i = 0; i < width; i++) {
              o.data[((b * queries + t) * heads + h) * width + i]! +=
                p * v.data[((b * keys + s) * groups + group) * width + i]!;
            }
          }
        }
      }
    }
  },
  attention_grad: (inputs, { dq, dk, dv, dbias }, setting) => {
    const { do: dout, q, k, v, o, lse } = inputs;
    const [batch, queries, heads, width] = q.shape as [number, number, number, number];
    const [, keys, groups, valueWidth] = v.shape as [number, number, number, number];
    for (let b = 0; b < batch; b++) {
      for (let t = 0; t < queries; t++) {
        for (let h = 0; h < heads; h++) {
          const row = (b * queries + t) * heads + h;
          const group = Math.floor((h * groups) / heads);
          let delta = 0; // sum over values of do * o
          for (let i = 0; i < valueWidth; i++)
            delta += dout.data[row * valueWidth + i]! * o.data[row * valueWidth + i]!;
          for (let s = 0; s < keys; s++) {
            const seen = scoreOf(inputs, setting, [b, t, h, s], 0);
            if (!seen) continue;
            const key = (b * keys + s) * groups + group;
            const p = Math.exp(seen.score - lse.data[(b * heads + h) * queries + t]!);
            let dp = 0;
            for (let i = 0; i < valueWidth; i++) {
              dp += dout.data[row * valueWidth + i]! * v.data[key * valueWidth + i]!;
              dv.data[key * valueWidth + i]! += p * dout.data[row * valueWidth + i]!;
            }
            const draw = p * (dp - delta) * seen.slope;
            if (dbias) dbias.data[(h * queries + t) * keys + s]! += draw;
            for (let i = 0; i < width; i++) {
              dq.data[row * width + i]! += draw * setting.scale * k.data[key * width + i]!;
              dk.data[key * width + i]! += draw * setting.scale * q.data[row * width + i]!;
            }
          }
        }
      }
    }
  },
  cache_write: ({ cache, x, start }) => {
    const [batch, length] = x.shape as [number, number];
    const room = cache.shape[1]!;
    const inner = x.data.length / (batch * length);
    for (let b = 0; b < batch; b++) {
      const first = startOf(start, b);
      if (first < 0 || first + length > room) throw new RangeError(`start ${first}`);
      const rows = x.data.subarray(b * length * inner, (b + 1) * length * inner);
      cache.data.set(rows, (b * room + first) * inner);
    }
  },
};
