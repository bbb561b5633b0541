import { add, mul, sigmoid, type Tensor } from '../../graph/index.js';
import { readDecoder } from '../blocks/decoder.js';
import { layerWindows } from '../blocks/layer-windows.js';
import { linear } from '../blocks/linear.js';
import { gatedMlp, readActivation } from '../blocks/mlp.js';
import { moe } from '../blocks/moe.js';
import { moeDecoder } from '../blocks/moe-decoder.js';
import { standardAttention } from '../blocks/standard-decoder.js';
import type { Family } from '../model.js';
import { sparseLayers } from '../qwen3_moe/model.js';
import type { ModelTrace } from '../trace.js';

/** Qwen2-MoE: Qwen2's attention; beside the routed experts a shared one behind a sigmoid gate. */
export const family: Family = {
  build(config) {
    const shared = readDecoder(config);
    const base = standardAttention(config, shared, { qkvBias: config.boolean('qkv_bias', true) });
    const sliding = config.boolean('use_sliding_window', false);
    const slidingBefore = config.integer('max_window_layers', 28);
    // the first layers slide, and of them every other one: not the last, as in Qwen2
    const window = layerWindows(config, (layer) => layer % 2 === 0 && layer < slidingBefore);
    const activation = readActivation(config, 'hidden_act', 'silu');
    const init = shared.init;
    const mixture = {
      experts: config.integer('num_experts'),
      perToken: config.integer('num_experts_per_tok'),
      inner: config.integer('moe_intermediate_size'),
      activation,
      init,
      normalize: config.boolean('norm_topk_prob', false),
    };
    const isSparse = sparseLayers(config);
    const dense = { inner: config.integer('intermediate_size'), activation, init };
    const always = { inner: config.integer('shared_expert_intermediate_size'), activation, init };
    const sharedExpert = (trace: ModelTrace, h: Tensor) => {
      const gate = linear(trace, 'shared_expert_gate', h, { out: 1, init, kind: 'router' });
      return mul(
        trace.within('shared_expert', () => gatedMlp(trace, h, always)),
        sigmoid(gate),
      );
    };
    return moeDecoder(
      config,
      shared,
      (layer) => ({ ...base, window: sliding ? window(layer) : 0 }),
      (trace, h, layer) =>
        trace.within('mlp', () =>
          isSparse(layer) ? add(moe(trace, h, mixture), sharedExpert(trace, h)) : gatedMlp(trace, h, dense),
        ),
    );
  },
};
