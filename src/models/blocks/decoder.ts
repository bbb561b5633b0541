import { affine, embedding, type Tensor } from '../../graph/index.js';
import type { ConfigReader } from '../config-reader.js';
import { type Init, normal } from '../parameter.js';
import type { Batch, ModelOutput, ModelTrace } from '../trace.js';
import { residual } from './linear.js';
import { rmsNorm } from './norm.js';

/** What all decoders of the Llama kind share. */
export interface DecoderConfig {
  readonly vocabulary: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyHeads: number;
  readonly headSize: number;
  readonly eps: number;
  readonly tied: boolean;
  readonly init: Init;
}

/** Reads the usual keys; `defaults` are the family's own where a config leaves a key out. */
export function readDecoder(
  config: ConfigReader,
  defaults: { eps?: number; tied?: boolean } = {},
): DecoderConfig {
  const width = config.integer('hidden_size');
  const heads = config.integer('num_attention_heads');
  return {
    vocabulary: config.integer('vocab_size'),
    width,
    layers: config.integer('num_hidden_layers'),
    heads,
    keyHeads: config.integer('num_key_value_heads', heads),
    headSize: config.integer('head_dim', Math.floor(width / heads)),
    eps: config.number('rms_norm_eps', defaults.eps ?? 1e-6),
    tied: config.boolean('tie_word_embeddings', defaults.tied ?? false),
    init: normal(config.number('initializer_range', 0.02)),
  };
}

export interface DecoderExtras {
  /** Embeddings are multiplied by this (Gemma). */
  readonly embeddingScale?: number;
  /** 1 where the stored norm weights are less one (Gemma). */
  readonly normOffset?: number;
  readonly logitSoftcap?: number;
}

/** Embedding, `layer` for each layer inside `model.layers.<i>`, final norm, head (tied or `lm_head`). */
export function decoder(
  trace: ModelTrace,
  batch: Batch,
  config: DecoderConfig,
  layer: (x: Tensor, index: number) => Tensor,
  extras: DecoderExtras = {},
): ModelOutput {
  const { vocabulary, width, layers, eps, tied, init } = config;
  const table = trace.table('model.embed_tokens.weight', [vocabulary, width], init);
  return trace.within('model', () => {
    let x = trace.graph.scope('embed_tokens', () => embedding(table, batch.inputIds));
    if (extras.embeddingScale) x = affine(x, extras.embeddingScale, 0);
    const hiddenStates = [x];
    for (let index = 0; index < layers; index++) {
      x = trace.within(`layers.${index}`, () => layer(x, index));
      if (index < layers - 1) hiddenStates.push(x);
    }
    const hidden = rmsNorm(trace, 'norm', x, { eps, weightOffset: extras.normOffset });
    hiddenStates.push(hidden);
    const headWeight = tied ? table : trace.table('lm_head.weight', [vocabulary, width], init);
    return {
      hidden,
      headWeight,
      logitSoftcap: extras.logitSoftcap ?? 0,
      routers: trace.routers,
      hiddenStates,
    };
  });
}

/** x + self_attn(input_layernorm(x)), then + feedForward(post_attention_layernorm(·)): the usual layer. */
export function preNormLayer(
  trace: ModelTrace,
  x: Tensor,
  eps: number,
  attention: (h: Tensor) => Tensor,
  feedForward: (h: Tensor) => Tensor,
): Tensor {
  const normed = rmsNorm(trace, 'input_layernorm', x, { eps });
  const between = residual(
    trace,
    x,
    trace.within('self_attn', () => attention(normed)),
  );
  return residual(trace, between, feedForward(rmsNorm(trace, 'post_attention_layernorm', between, { eps })));
}
