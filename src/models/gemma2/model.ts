import { selfAttention } from '../blocks/attention.js';
import { decoder, readDecoder } from '../blocks/decoder.js';
import { layerWindows } from '../blocks/layer-windows.js';
import { residual } from '../blocks/linear.js';
import { gatedMlp, readActivation } from '../blocks/mlp.js';
import { rmsNorm } from '../blocks/norm.js';
import { standardAttention } from '../blocks/standard-decoder.js';
import type { Family } from '../model.js';

/** Gemma 2: norms before and after each part (weights stored less one), soft caps, every other layer slides. */
export const family: Family = {
  build(config) {
    const shared = readDecoder(config, { tied: true });
    const bias = config.boolean('attention_bias', false);
    const window = layerWindows(config, (layer) => layer % 2 === 0);
    const attention = {
      ...standardAttention(config, shared, { qkvBias: bias, outBias: bias }),
      scale: config.number('query_pre_attn_scalar', 256) ** -0.5,
      softcap: config.optionalNumber('attn_logit_softcapping') ?? 0,
    };
    const mlp = {
      inner: config.integer('intermediate_size'),
      activation: readActivation(config, 'hidden_activation', 'gelu_pytorch_tanh'),
      init: shared.init,
    };
    const norm = { eps: shared.eps, weightOffset: 1 };
    const extras = {
      embeddingScale: Math.fround(Math.sqrt(shared.width)),
      normOffset: 1,
      logitSoftcap: config.optionalNumber('final_logit_softcapping') ?? 0,
    };
    return {
      maxLength: config.optionalNumber('max_position_embeddings'),
      forward: (trace, batch) =>
        decoder(
          trace,
          batch,
          shared,
          (x, index) => {
            const before = rmsNorm(trace, 'input_layernorm', x, norm);
            const mixed = trace.within('self_attn', () =>
              selfAttention(trace, batch, before, { ...attention, window: window(index) }),
            );
            const between = residual(trace, x, rmsNorm(trace, 'post_attention_layernorm', mixed, norm));
            const fed = rmsNorm(trace, 'pre_feedforward_layernorm', between, norm);
            const out = trace.within('mlp', () => gatedMlp(trace, fed, mlp));
            return residual(trace, between, rmsNorm(trace, 'post_feedforward_layernorm', out, norm));
          },
          extras,
        ),
    };
  },
};
