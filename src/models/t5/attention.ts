import { assign, attention, type Tensor } from '../../graph/index.js';
import { attend, joinHeads, splitHeads } from '../blocks/attention.js';
import { linear } from '../blocks/linear.js';
import { normal } from '../parameter.js';
import type { Batch, EncoderInputs, ModelTrace } from '../trace.js';

export interface T5AttentionConfig {
  readonly width: number;
  readonly heads: number;
  readonly headSize: number;
  /** initializer_factor */
  readonly factor: number;
}

/** The projections of one attention; scores are not scaled, the initial weights are instead. */
function projections(trace: ModelTrace, { width, heads, headSize, factor }: T5AttentionConfig) {
  const out = heads * headSize;
  const spread = normal(factor * width ** -0.5);
  return {
    q: (x: Tensor) =>
      splitHeads(linear(trace, 'q', x, { out, init: normal(factor * (width * headSize) ** -0.5) }), heads),
    k: (x: Tensor) => splitHeads(linear(trace, 'k', x, { out, init: spread }), heads),
    v: (x: Tensor) => splitHeads(linear(trace, 'v', x, { out, init: spread }), heads),
    o: (x: Tensor) => linear(trace, 'o', joinHeads(x), { out: width, init: normal(factor * out ** -0.5) }),
  };
}

/** Encoder self-attention: every token sees its own segment, both ways. bias [heads,S,S] */
export function encoderAttention(
  trace: ModelTrace,
  x: Tensor,
  segmentIds: Tensor,
  bias: Tensor,
  config: T5AttentionConfig,
): Tensor {
  const { q, k, v, o } = projections(trace, config);
  const options = { qSegments: segmentIds, kSegments: segmentIds, bias, scale: 1, causal: false };
  return o(attention(q(x), k(x), v(x), options));
}

/** Causal self-attention of the decoder, over the cache if there is one. bias [heads,T,S] */
export function decoderAttention(
  trace: ModelTrace,
  batch: Batch,
  x: Tensor,
  bias: Tensor,
  config: T5AttentionConfig,
): Tensor {
  const { q, k, v, o } = projections(trace, config);
  return o(attend(trace, batch, q(x), k(x), v(x), { scale: 1, bias }));
}

/**
 * The decoder looks at the encoder's output; every row's tokens see all of their row's input. With a cache, prefill
 * keeps the keys and values, and decoding reads them.
 */
export function crossAttention(
  trace: ModelTrace,
  batch: Batch & { readonly encoder: EncoderInputs },
  x: Tensor,
  encoded: Tensor | null,
  config: T5AttentionConfig,
): Tensor {
  const { q, k, v, o } = projections(trace, config);
  const query = q(x);
  const keys = encoded ? k(encoded) : kept(trace, 'key', batch, config);
  const values = encoded ? v(encoded) : kept(trace, 'value', batch, config);
  if (encoded && batch.cache) {
    assign(kept(trace, 'key', batch, config), keys);
    assign(kept(trace, 'value', batch, config), values);
  }
  const options = {
    qSegments: batch.segmentIds,
    kSegments: batch.encoder.segmentIds,
    scale: 1,
    causal: false,
  };
  return o(attention(query, keys, values, options));
}

function kept(
  trace: ModelTrace,
  name: string,
  { encoder }: { readonly encoder: EncoderInputs },
  { heads, headSize }: T5AttentionConfig,
): Tensor {
  const [rows, length] = encoder.segmentIds.shape as [number, number];
  return trace.graph.state(`cache.${trace.path}.${name}`, 'f32', [rows, length, heads, headSize]);
}
