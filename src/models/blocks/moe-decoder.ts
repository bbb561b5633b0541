import type { Tensor } from '../../graph/index.js';
import type { ConfigReader } from '../config-reader.js';
import type { Architecture } from '../model.js';
import type { ModelTrace } from '../trace.js';
import { type AttentionConfig, selfAttention } from './attention.js';
import { type DecoderConfig, decoder, preNormLayer } from './decoder.js';

/** A decoder whose feed-forward part is the family's own, per layer. */
export function moeDecoder(
  config: ConfigReader,
  shared: DecoderConfig,
  attention: (layer: number) => AttentionConfig,
  feedForward: (trace: ModelTrace, h: Tensor, layer: number) => Tensor,
): Architecture {
  return {
    maxLength: config.optionalNumber('max_position_embeddings'),
    forward: (trace, batch) =>
      decoder(trace, batch, shared, (x, index) =>
        preNormLayer(
          trace,
          x,
          shared.eps,
          (h) => selfAttention(trace, batch, h, attention(index)),
          (h) => feedForward(trace, h, index),
        ),
      ),
  };
}
