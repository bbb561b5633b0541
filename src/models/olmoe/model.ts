import type { AttentionConfig } from '../blocks/attention.js';
import { type DecoderConfig, readDecoder } from '../blocks/decoder.js';
import { readActivation } from '../blocks/mlp.js';
import { type MoeConfig, moe } from '../blocks/moe.js';
import { moeDecoder } from '../blocks/moe-decoder.js';
import { standardAttention } from '../blocks/standard-decoder.js';
import type { ConfigReader } from '../config-reader.js';
import type { Family } from '../model.js';

/** OLMoE: queries and keys normed over all heads, optional clipping, a mixture in every layer. */
export const family: Family = {
  build(config) {
    const { shared, attention, mixture } = readOlmoe(config);
    return moeDecoder(
      config,
      shared,
      () => attention,
      (trace, h) => trace.within('mlp', () => moe(trace, h, mixture)),
    );
  },
};

/** The settings of an OLMoE config; Select-MoE has the same. */
export function readOlmoe(config: ConfigReader): {
  shared: DecoderConfig;
  attention: AttentionConfig;
  mixture: MoeConfig;
} {
  const shared = readDecoder(config, { eps: 1e-5 });
  const bias = config.boolean('attention_bias', false);
  const attention: AttentionConfig = {
    ...standardAttention(config, shared, { qkvBias: bias, outBias: bias }),
    queryKeyNorm: { over: 'all', eps: shared.eps },
    clip: config.optionalNumber('clip_qkv'),
  };
  const mixture: MoeConfig = {
    experts: config.integer('num_experts'),
    perToken: config.integer('num_experts_per_tok'),
    inner: config.integer('intermediate_size'),
    activation: readActivation(config, 'hidden_act', 'silu'),
    init: shared.init,
    normalize: config.boolean('norm_topk_prob', false),
  };
  return { shared, attention, mixture };
}
