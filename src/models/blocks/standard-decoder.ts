import type { ConfigReader } from '../config-reader.js';
import type { Architecture } from '../model.js';
import { type AttentionConfig, selfAttention } from './attention.js';
import { type DecoderConfig, decoder, preNormLayer, readDecoder } from './decoder.js';
import { gatedMlp, readActivation } from './mlp.js';
import { readRope } from './rope.js';

/** Where the Llama-like dense families differ from each other. */
export interface StandardDecoderOptions {
  readonly qkvBias?: boolean;
  readonly outBias?: boolean;
  readonly mlpBias?: boolean;
  /** RMS norm of every query and key head. */
  readonly headNorm?: boolean;
  /** Sliding window of a layer; 0: full attention. */
  readonly window?: (layer: number) => number;
}

/** Llama, Mistral, Qwen2, Qwen3: rotary attention and a gated MLP, RMS norm before each. */
export function standardDecoder(config: ConfigReader, options: StandardDecoderOptions = {}): Architecture {
  const shared = readDecoder(config);
  const attention = standardAttention(config, shared, options);
  const mlp = {
    inner: config.integer('intermediate_size'),
    activation: readActivation(config, 'hidden_act', 'silu'),
    init: shared.init,
    bias: options.mlpBias,
  };
  return {
    maxLength: config.optionalNumber('max_position_embeddings'),
    forward: (trace, batch) =>
      decoder(trace, batch, shared, (x, index) =>
        preNormLayer(
          trace,
          x,
          shared.eps,
          (h) => selfAttention(trace, batch, h, { ...attention, window: options.window?.(index) }),
          (h) => trace.within('mlp', () => gatedMlp(trace, h, mlp)),
        ),
      ),
  };
}

/** Attention settings of the usual kind: scale 1/√headSize, rotary embedding as configured. */
export function standardAttention(
  config: ConfigReader,
  shared: DecoderConfig,
  options: StandardDecoderOptions = {},
): AttentionConfig {
  return {
    heads: shared.heads,
    keyHeads: shared.keyHeads,
    headSize: shared.headSize,
    init: shared.init,
    scale: shared.headSize ** -0.5,
    rope: readRope(config, shared.headSize),
    biases: { qkv: options.qkvBias ?? false, out: options.outBias ?? false },
    queryKeyNorm: options.headNorm ? { over: 'head', eps: shared.eps } : null,
  };
}
