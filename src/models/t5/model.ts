import { affine, embedding, type Tensor } from '../../graph/index.js';
import { linear, residual } from '../blocks/linear.js';
import { type Activation, activate, gated, readActivation } from '../blocks/mlp.js';
import { rmsNorm } from '../blocks/norm.js';
import type { ConfigReader } from '../config-reader.js';
import type { Family } from '../model.js';
import { normal } from '../parameter.js';
import type { Batch, EncoderInputs, ModelTrace } from '../trace.js';
import { crossAttention, decoderAttention, encoderAttention } from './attention.js';
import { canonicalName } from './hf-names.js';
import { relativeBias } from './relative-bias.js';

/** T5 (1.0 and 1.1, gated): an encoder and a decoder with learnt relative positions and no biases. */
export const family: Family = {
  build(config) {
    const settings = readT5(config);
    const { width, vocabulary, factor, norm, tied, scaled } = settings;
    return {
      maxLength: null,
      decoderStart: config.integer('decoder_start_token_id', 0),
      canonicalName,
      forward(trace, batch) {
        const inputs = withEncoder(batch);
        const table = trace.named('shared.weight', [vocabulary, width], normal(factor));
        const encoded = inputs.encoder.inputIds && encode(trace, table, inputs.encoder, settings);
        const { hidden, hiddenStates } = decode(trace, table, inputs, encoded, settings);
        const headWeight = tied ? table : trace.named('lm_head.weight', [vocabulary, width], normal(factor));
        const last = scaled ? affine(hidden, width ** -0.5, 0) : hidden;
        return { hidden: last, headWeight, logitSoftcap: 0, routers: [], hiddenStates, encoded };
      },
    };

    function encode(trace: ModelTrace, table: Tensor, inputs: EncoderInputs, t5: T5Settings): Tensor {
      return trace.within('encoder', () => {
        let x = embedding(table, inputs.inputIds!);
        const length = x.shape[1]!;
        const bias = positionBias(trace, length, length, null, true, t5);
        for (let layer = 0; layer < t5.encoderLayers; layer++) {
          x = trace.within(`block.${layer}`, () => {
            const mixed = sublayer(trace, 0, 'SelfAttention', x, norm, (h) =>
              encoderAttention(trace, h, inputs.segmentIds, bias, t5),
            );
            return sublayer(trace, 1, 'DenseReluDense', mixed, norm, (h) => feedForward(trace, h, t5));
          });
        }
        return rmsNorm(trace, 'final_layer_norm', x, norm);
      });
    }

    function decode(
      trace: ModelTrace,
      table: Tensor,
      batch: Batch & { readonly encoder: EncoderInputs },
      encoded: Tensor | null,
      t5: T5Settings,
    ) {
      return trace.within('decoder', () => {
        let x = embedding(table, batch.inputIds);
        const hiddenStates = [x];
        const queries = x.shape[1]!;
        const bias = positionBias(
          trace,
          queries,
          batch.cache?.capacity ?? queries,
          batch.cache?.start ?? null,
          false,
          t5,
        );
        for (let layer = 0; layer < t5.decoderLayers; layer++) {
          x = trace.within(`block.${layer}`, () => {
            const own = sublayer(trace, 0, 'SelfAttention', x, norm, (h) =>
              decoderAttention(trace, batch, h, bias, t5),
            );
            const mixed = sublayer(trace, 1, 'EncDecAttention', own, norm, (h) =>
              crossAttention(trace, batch, h, encoded, t5),
            );
            return sublayer(trace, 2, 'DenseReluDense', mixed, norm, (h) => feedForward(trace, h, t5));
          });
          if (layer < t5.decoderLayers - 1) hiddenStates.push(x);
        }
        const hidden = rmsNorm(trace, 'final_layer_norm', x, norm);
        hiddenStates.push(hidden);
        return { hidden, hiddenStates };
      });
    }
  },
};

interface T5Settings {
  readonly width: number;
  readonly inner: number;
  readonly heads: number;
  readonly headSize: number;
  readonly vocabulary: number;
  readonly encoderLayers: number;
  readonly decoderLayers: number;
  readonly norm: { readonly eps: number };
  readonly activation: Activation;
  readonly gated: boolean;
  readonly buckets: number;
  readonly maxDistance: number;
  readonly factor: number;
  readonly tied: boolean;
  /** Decoder outputs are multiplied by 1/√width before the tied head. */
  readonly scaled: boolean;
}

function readT5(config: ConfigReader): T5Settings {
  const tied = config.boolean('tie_word_embeddings', true);
  const projection = config.string('feed_forward_proj', 'relu');
  return {
    width: config.integer('d_model'),
    inner: config.integer('d_ff'),
    heads: config.integer('num_heads'),
    headSize: config.integer('d_kv'),
    vocabulary: config.integer('vocab_size'),
    encoderLayers: config.integer('num_layers'),
    decoderLayers: config.integer('num_decoder_layers', config.integer('num_layers')),
    norm: { eps: config.number('layer_norm_epsilon', 1e-6) },
    // `gated-gelu` alone has always meant the tanh form
    activation: readActivation(
      config,
      'dense_act_fn',
      projection === 'gated-gelu' ? 'gelu_new' : projection.replace('gated-', ''),
    ),
    gated: projection.startsWith('gated-'),
    buckets: config.integer('relative_attention_num_buckets', 32),
    maxDistance: config.integer('relative_attention_max_distance', 128),
    factor: config.number('initializer_factor', 1),
    tied,
    scaled: config.boolean('scale_decoder_outputs', tied),
  };
}

function withEncoder(batch: Batch): Batch & { readonly encoder: EncoderInputs } {
  if (!batch.encoder) throw new TypeError('an encoder-decoder model needs encoder inputs');
  return batch as Batch & { readonly encoder: EncoderInputs };
}

/** x + body(norm(x)) in `layer.<index>`, the body inside its submodule `name`. */
function sublayer(
  trace: ModelTrace,
  index: number,
  name: string,
  x: Tensor,
  norm: { readonly eps: number },
  body: (h: Tensor) => Tensor,
): Tensor {
  return trace.within(`layer.${index}`, () => {
    const normed = rmsNorm(trace, 'layer_norm', x, norm);
    return residual(
      trace,
      x,
      trace.within(name, () => body(normed)),
    );
  });
}

/** The first layer's bias table, which all layers of the stack use. */
function positionBias(
  trace: ModelTrace,
  queries: number,
  keys: number,
  start: Tensor | null,
  bidirectional: boolean,
  { buckets, maxDistance, heads, width, factor }: T5Settings,
): Tensor {
  return trace.within('block.0.layer.0.SelfAttention.relative_attention_bias', () => {
    const table = trace.parameter('weight', [buckets, heads], normal(factor * width ** -0.5));
    return relativeBias(table, queries, keys, start, { buckets, maxDistance, bidirectional });
  });
}

function feedForward(trace: ModelTrace, h: Tensor, t5: T5Settings): Tensor {
  const { inner, width, factor, activation } = t5;
  const project = (name: string) =>
    linear(trace, name, h, { out: inner, init: normal(factor * width ** -0.5) });
  const hidden = t5.gated
    ? gated(project('wi_0'), project('wi_1'), activation)
    : activate(project('wi'), activation);
  return linear(trace, 'wo', hidden, { out: width, init: normal(factor * inner ** -0.5) });
}
