import { readDecoder } from '../blocks/decoder.js';
import { gatedMlp, readActivation } from '../blocks/mlp.js';
import { moe } from '../blocks/moe.js';
import { moeDecoder } from '../blocks/moe-decoder.js';
import { standardAttention } from '../blocks/standard-decoder.js';
import type { ConfigReader } from '../config-reader.js';
import type { Family } from '../model.js';

/** Qwen3-MoE: Qwen3's attention; mixtures in the layers that `decoder_sparse_step` and `mlp_only_layers` leave. */
export const family: Family = {
  build(config) {
    const shared = readDecoder(config);
    const bias = config.boolean('attention_bias', false);
    const sliding = config.boolean('use_sliding_window', false);
    const attention = {
      ...standardAttention(config, shared, { headNorm: true, qkvBias: bias, outBias: bias }),
      window: sliding ? (config.optionalNumber('sliding_window') ?? 0) : 0,
    };
    const activation = readActivation(config, 'hidden_act', 'silu');
    const mixture = {
      experts: config.integer(config.has('num_experts') ? 'num_experts' : 'num_local_experts'),
      perToken: config.integer('num_experts_per_tok'),
      inner: config.integer('moe_intermediate_size'),
      activation,
      init: shared.init,
      normalize: config.boolean('norm_topk_prob', false),
    };
    const isSparse = sparseLayers(config);
    const mlp = { inner: config.integer('intermediate_size'), activation, init: shared.init };
    return moeDecoder(
      config,
      shared,
      () => attention,
      (trace, h, layer) =>
        trace.within('mlp', () => (isSparse(layer) ? moe(trace, h, mixture) : gatedMlp(trace, h, mlp))),
    );
  },
};

/** Which layers are mixtures, as both Qwen families count them. */
export function sparseLayers(config: ConfigReader): (layer: number) => boolean {
  const step = config.integer('decoder_sparse_step', 1);
  const dense = config.integers('mlp_only_layers');
  return (layer) => !dense.includes(layer) && (layer + 1) % step === 0;
}
