import { type Definitions, once, type TensorType } from '../op-definition.js';
import { elementCount } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { expectDtype, expectRank, expectShape, f32 } from './checks.js';

/**
 * Rotary embedding: x [B,T,N,D], positions i32[B,T], invFreq f32[R/2] with R <= D. Rotates the first R of D in pairs
 * (i, i+R/2), or (2i, 2i+1) with `interleaved`; cos and sin are multiplied by `scale`.
 */
export function rope(
  x: Tensor,
  positions: Tensor,
  invFreq: Tensor,
  options: { interleaved?: boolean; scale?: number } = {},
): Tensor {
  const attributes = { interleaved: options.interleaved ?? false, inverse: false, scale: options.scale ?? 1 };
  return x.graph.emit('rope', { x, positions, inv_freq: invFreq }, attributes).y;
}

export interface AttentionOptions {
  /** i32[B,T] and i32[B,S]; 0 is padding, tokens attend within their own segment only. */
  qSegments: Tensor;
  kSegments: Tensor;
  /** i32[1] or i32[B]: index of the first query among its row's keys (a decoder's cache). Has no gradient. */
  qStart?: Tensor | null;
  /** [Hq,T,S], added to the scaled scores. */
  bias?: Tensor | null;
  scale: number;
  causal: boolean;
  /** Keys further back than this are not seen; 0: no limit. */
  window?: number;
  /** Scores become softcap*tanh(scores/softcap); 0: left as they are. */
  softcap?: number;
}

/** q [B,T,Hq,D], k [B,S,Hk,D], v [B,S,Hk,Dv], Hq a multiple of Hk -> [B,T,Hq,Dv]. */
export function attention(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions): Tensor {
  const {
    qSegments,
    kSegments,
    qStart = null,
    bias = null,
    scale,
    causal,
    window = 0,
    softcap = 0,
  } = options;
  const inputs = { q, k, v, q_segments: qSegments, k_segments: kSegments, q_start: qStart, bias };
  return q.graph.emit('attention', inputs, { scale, causal, window, softcap }).o;
}

/** Writes x [B,T,...] into the state cache [B,S,...] at indices start.. of axis 1, start i32[1] or i32[B]. Past S is an error. */
export function cacheWrite(cache: Tensor, x: Tensor, start: Tensor): void {
  cache.graph.emit('cache_write', { cache, x, start }, {});
}

interface AttentionInputs {
  q: TensorType;
  k: TensorType;
  v: TensorType;
  q_segments: TensorType;
  k_segments: TensorType;
  bias: TensorType | null;
}

function checkAttention(call: { inputs: AttentionInputs; fail(reason: string): never }) {
  const { q, k, v, q_segments, k_segments, bias } = call.inputs;
  expectDtype(call, 'f32', { q, k, v, bias });
  expectDtype(call, 'i32', { q_segments, k_segments });
  expectRank(call, 'q', q, 4);
  expectRank(call, 'k', k, 4);
  expectRank(call, 'v', v, 4);
  const [batch, queries, heads, width] = q.shape as [number, number, number, number];
  const [, keys, groups] = k.shape as [number, number, number, number];
  if (k.shape[0] !== batch || k.shape[3] !== width) call.fail('q and k differ in batch or head size');
  if (v.shape[0] !== batch || v.shape[1] !== keys || v.shape[2] !== groups) call.fail('k and v differ');
  if (groups === 0 || heads % groups !== 0)
    call.fail(`${heads} query heads are no multiple of ${groups} key heads`);
  expectShape(call, 'q_segments', q_segments, [batch, queries]);
  expectShape(call, 'k_segments', k_segments, [batch, keys]);
  expectShape(call, 'bias', bias, [heads, queries, keys]);
  return { batch, queries, keys, heads, width, valueWidth: v.shape[3]! };
}

function expectStarts(
  call: { fail(reason: string): never },
  name: string,
  starts: TensorType | null,
  rows: number,
): void {
  if (starts?.shape.length === 1 && starts.shape[0] === rows) return;
  expectShape(call, name, starts, [1]);
}

/** Query-key pairs looked at: a causal square sees half (segments are not known before the run). */
function pairs(inputs: AttentionInputs, attributes: { causal: boolean; window: number }): number {
  const [batch, queries, heads] = inputs.q.shape as [number, number, number];
  const keys = inputs.k.shape[1]!;
  const perRow = attributes.causal && queries === keys ? (keys + 1) / 2 : keys;
  return batch * heads * queries * (attributes.window > 0 ? Math.min(perRow, attributes.window) : perRow);
}

export const attentionOps: Definitions<'rope' | 'attention' | 'attention_grad' | 'cache_write'> = {
  rope: {
    infer(call) {
      const { x, positions, inv_freq } = call.inputs;
      expectDtype(call, 'f32', { x, inv_freq });
      expectDtype(call, 'i32', { positions });
      expectRank(call, 'x', x, 4);
      expectShape(call, 'positions', positions, x.shape.slice(0, 2));
      expectRank(call, 'inv_freq', inv_freq, 1);
      if (2 * inv_freq.shape[0]! > x.shape[3]!) call.fail('inv_freq rotates more than the head size');
      return { y: x };
    },
    precision: { reads: ['x'], stores: ['y'] },
    gradient: ({ graph, inputs: { positions, inv_freq }, grads, attributes }) => ({
      x: () =>
        graph.emit(
          'rope',
          { x: grads.y!, positions, inv_freq },
          { ...attributes, inverse: !attributes.inverse },
        ).y,
    }),
    flops: ({ inputs: { x } }) => 3 * elementCount(x.shape),
  },
  attention: {
    infer(call) {
      const { batch, queries, heads, valueWidth } = checkAttention(call);
      expectDtype(call, 'i32', { q_start: call.inputs.q_start });
      expectStarts(call, 'q_start', call.inputs.q_start, batch);
      return { o: f32([batch, queries, heads, valueWidth]), lse: f32([batch, heads, queries]) };
    },
    precision: { operands: ['q', 'k', 'v'], stores: ['o'] },
    gradient: (call) => {
      const { graph, inputs, outputs, grads, attributes } = call;
      if (inputs.q_start) call.fail('attention with q_start (over a cache) has no gradient');
      if (grads.lse) call.fail('lse has no gradient');
      const { q, k, v, q_segments, k_segments, bias } = inputs;
      const { o, lse } = outputs;
      const fused = once(() =>
        graph.emit(
          'attention_grad',
          { do: grads.o!, q, k, v, o, lse, q_segments, k_segments, bias },
          attributes,
        ),
      );
      return { q: () => fused().dq, k: () => fused().dk, v: () => fused().dv, bias: () => fused().dbias };
    },
    flops: ({ inputs, attributes }) =>
      pairs(inputs, attributes) * (2 * inputs.q.shape[3]! + 2 * inputs.v.shape[3]! + 10),
  },
  attention_grad: {
    infer(call) {
      const { batch, queries, heads, valueWidth } = checkAttention(call);
      const { do: dout, o, lse, q, k, v, bias } = call.inputs;
      expectDtype(call, 'f32', { do: dout, o, lse });
      expectShape(call, 'o', o, [batch, queries, heads, valueWidth]);
      expectShape(call, 'do', dout, o.shape);
      expectShape(call, 'lse', lse, [batch, heads, queries]);
      return { dq: q, dk: k, dv: v, dbias: bias };
    },
    precision: { operands: ['do', 'q', 'k', 'v'], reads: ['o'], stores: ['dq', 'dk', 'dv'] },
    scratch: ({ inputs: { lse, q } }) =>
      4 * elementCount(lse.shape) * (q.dtype === 'bf16' ? 1 + q.shape[3]! : 1),
    flops: ({ inputs, attributes }) =>
      pairs(inputs, attributes) * (4 * inputs.q.shape[3]! + 4 * inputs.v.shape[3]! + 10),
  },
  cache_write: {
    infer(call) {
      const { cache, x, start } = call.inputs;
      expectDtype(call, 'f32', { cache, x });
      expectDtype(call, 'i32', { start });
      expectStarts(call, 'start', start, cache.shape[0] ?? 1);
      if (cache.shape.length < 2) call.fail('the cache needs a batch and a length axis');
      if (x.shape.length < 2 || x.shape[1]! > cache.shape[1]!) call.fail('x is longer than the cache');
      expectShape(call, 'x', x, cache.shape.with(1, x.shape[1]!));
      return {};
    },
    bytes: ({ inputs: { x } }) => 8 * elementCount(x.shape),
  },
};
