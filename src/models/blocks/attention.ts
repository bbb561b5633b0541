import { attention, cacheWrite, clamp, reshape, type Tensor } from '../../graph/index.js';
import type { Init } from '../parameter.js';
import type { Batch, ModelTrace } from '../trace.js';
import { linear } from './linear.js';
import { rmsNorm } from './norm.js';
import { applyRope, type Rope } from './rope.js';

/** How heads look at each other. */
export interface AttendOptions {
  readonly scale: number;
  /** Tokens further back than this are not seen; 0: no limit. */
  readonly window?: number;
  readonly softcap?: number;
  /** [heads, T, keys], added to the scaled scores. */
  readonly bias?: Tensor;
}

/** Causal attention of q [B,T,Hq,D] over k, v [B,T,Hk,·], or over the cache once k and v are written to it. */
export function attend(
  trace: ModelTrace,
  batch: Batch,
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: AttendOptions,
): Tensor {
  const { scale, window = 0, softcap = 0, bias } = options;
  const shared = { qSegments: batch.segmentIds, scale, causal: true, window, softcap, bias };
  const { cache } = batch;
  if (!cache) return attention(q, k, v, { ...shared, kSegments: batch.segmentIds });
  const keys = cached(trace, 'key', k, cache);
  const values = cached(trace, 'value', v, cache);
  return attention(q, keys, values, { ...shared, kSegments: cache.segmentIds, qStart: cache.start });
}

/** Writes x [B,T,N,D] into this module's cache state and gives the whole cache [B,capacity,N,D]. */
function cached(trace: ModelTrace, name: string, x: Tensor, cache: NonNullable<Batch['cache']>): Tensor {
  const [batch, , heads, width] = x.shape as [number, number, number, number];
  const state = trace.graph.state(`cache.${trace.path}.${name}`, 'f32', [
    batch,
    cache.capacity,
    heads,
    width,
  ]);
  cacheWrite(state, x, cache.start);
  return state;
}

export interface AttentionConfig extends AttendOptions {
  readonly heads: number;
  readonly keyHeads: number;
  readonly headSize: number;
  readonly init: Init;
  readonly rope: Rope | null;
  readonly biases?: { readonly qkv: boolean; readonly out: boolean };
  /** RMS norm of queries and keys: over each head (Qwen3) or over all heads at once (OLMoE). */
  readonly queryKeyNorm?: { readonly over: 'head' | 'all'; readonly eps: number } | null;
  /** Queries, keys and values are clamped to ±clip. */
  readonly clip?: number | null;
}

/** Self-attention with separate q_proj, k_proj, v_proj and o_proj: x [B,T,H] -> [B,T,H]. */
export function selfAttention(trace: ModelTrace, batch: Batch, x: Tensor, config: AttentionConfig): Tensor {
  const { heads, keyHeads, headSize, init, rope, biases, queryKeyNorm, clip } = config;
  const project = (name: 'q' | 'k' | 'v', count: number) => {
    let y = linear(trace, `${name}_proj`, x, { out: count * headSize, init, bias: biases?.qkv });
    if (queryKeyNorm?.over === 'all' && name !== 'v') y = rmsNorm(trace, `${name}_norm`, y, queryKeyNorm);
    if (clip) y = clamp(y, -clip, clip);
    y = splitHeads(y, count);
    if (queryKeyNorm?.over === 'head' && name !== 'v') y = rmsNorm(trace, `${name}_norm`, y, queryKeyNorm);
    return rope && name !== 'v' ? applyRope(y, batch, rope) : y;
  };
  const mixed = attend(
    trace,
    batch,
    project('q', heads),
    project('k', keyHeads),
    project('v', keyHeads),
    config,
  );
  return linear(trace, 'o_proj', joinHeads(mixed), { out: x.shape[2]!, init, bias: biases?.out });
}

/** [B,T,N*D] -> [B,T,N,D] */
export function splitHeads(x: Tensor, heads: number): Tensor {
  const [batch, length, width] = x.shape as [number, number, number];
  return reshape(x, [batch, length, heads, width / heads]);
}

/** [B,T,N,D] -> [B,T,N*D] */
export function joinHeads(x: Tensor): Tensor {
  const [batch, length, heads, width] = x.shape as [number, number, number, number];
  return reshape(x, [batch, length, heads * width]);
}
