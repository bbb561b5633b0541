import { add, reshape, type Tensor } from '../../graph/index.js';
import { decoder, preNormLayer, readDecoder } from '../blocks/decoder.js';
import { gatedMlp, readActivation } from '../blocks/mlp.js';
import { experts } from '../blocks/moe.js';
import type { Family } from '../model.js';
import type { ModelTrace } from '../trace.js';
import { latentAttention } from './attention.js';
import { readRouter } from './router.js';

/** DeepSeek-V2 and V3: latent attention; after the first dense layers, routed experts beside shared ones. */
export const family: Family = {
  build(config) {
    const version = config.string('model_type') === 'deepseek_v3' ? 3 : 2;
    const shared = readDecoder(config);
    const { init, eps } = shared;
    const attention = latentAttention(
      config,
      shared,
      version === 2 || config.boolean('rope_interleave', true),
    );
    const firstSparse = config.integer('first_k_dense_replace', 0);
    const activation = readActivation(config, 'hidden_act', 'silu');
    const inner = config.integer('moe_intermediate_size');
    const bias = config.boolean('mlp_bias', false);
    const dense = { inner: config.integer('intermediate_size'), activation, init, bias };
    const always = { inner: inner * config.integer('n_shared_experts', 1), activation, init, bias };
    const routed = { experts: config.integer('n_routed_experts'), inner, activation, init };
    const route = readRouter(config, version, init);

    const mixture = (trace: ModelTrace, h: Tensor) => {
      const rows = reshape(h, [-1, shared.width]);
      const router = route(trace, rows);
      trace.routers.push(router);
      const mixed = reshape(experts(trace, rows, router, routed), h.shape);
      return add(
        mixed,
        trace.within('shared_experts', () => gatedMlp(trace, h, always)),
      );
    };
    return {
      maxLength: config.optionalNumber('max_position_embeddings'),
      forward: (trace, batch) =>
        decoder(trace, batch, shared, (x, layer) =>
          preNormLayer(
            trace,
            x,
            eps,
            (h) => attention(trace, batch, h),
            (h) =>
              trace.within('mlp', () =>
                layer < firstSparse ? gatedMlp(trace, h, dense) : mixture(trace, h),
              ),
          ),
        ),
    };
  },
};
