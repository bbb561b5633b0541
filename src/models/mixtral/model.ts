import { readDecoder } from '../blocks/decoder.js';
import { readActivation } from '../blocks/mlp.js';
import { type ExpertNames, moe } from '../blocks/moe.js';
import { moeDecoder } from '../blocks/moe-decoder.js';
import { standardAttention } from '../blocks/standard-decoder.js';
import type { Family } from '../model.js';

const names: ExpertNames = { gate: 'w1', up: 'w3', down: 'w2' };

/** Mixtral: Mistral's attention, a mixture in every layer whose chosen weights add up to one. */
export const family: Family = {
  build(config) {
    const shared = readDecoder(config, { eps: 1e-5 });
    const attention = {
      ...standardAttention(config, shared),
      window: config.optionalNumber('sliding_window') ?? 0,
    };
    const mixture = {
      experts: config.integer('num_local_experts'),
      perToken: config.integer('num_experts_per_tok'),
      inner: config.integer('intermediate_size'),
      activation: readActivation(config, 'hidden_act', 'silu'),
      init: shared.init,
      normalize: true,
    };
    return moeDecoder(
      config,
      shared,
      () => attention,
      (trace, h) => trace.within('block_sparse_moe', () => moe(trace, h, mixture, names)),
    );
  },
};
