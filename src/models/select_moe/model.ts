import { add, mul, reshape, sigmoid, sub, type Tensor } from '../../graph/index.js';
import { linear } from '../blocks/linear.js';
import { experts, route } from '../blocks/moe.js';
import { moeDecoder } from '../blocks/moe-decoder.js';
import type { Family } from '../model.js';
import { readOlmoe } from '../olmoe/model.js';
import { normal } from '../parameter.js';
import type { ModelTrace } from '../trace.js';
import { readTrash } from './trash.js';

/**
 * Select-MoE: OLMoE with a quality gate in every layer. With h the post-attention norm, s = quality_gate(h) and
 * g = sigmoid(s): y = g·MoE(h) + (1-g)·trash(h). Opens with g = 1 as OLMoE itself.
 */
export const family: Family = {
  build(config) {
    const { shared, attention, mixture } = readOlmoe(config);
    const gateInit = normal(
      config.number('quality_gate_init_std', 0.02),
      config.number('quality_gate_init_mean', 0),
    );
    const trash = readTrash(config);
    const feedForward = (trace: ModelTrace, h: Tensor) => {
      const score = trace.within('quality_gate', () =>
        linear(trace, 'gate', h, { out: 1, init: gateInit, kind: 'router' }),
      );
      const rows = reshape(h, [-1, shared.width]);
      const mixed = trace.within('normal_moe', () => {
        const router = route(trace, rows, mixture);
        trace.routers.push({ ...router, qualityScore: score });
        return reshape(experts(trace, rows, router, mixture), h.shape);
      });
      if (trace.openGates) return mixed;
      const good = sigmoid(score);
      const kept = mul(mixed, good);
      const thrown = trace.within('trash_expert', () => trash(trace, h));
      return thrown ? add(kept, mul(thrown, sub(1, good))) : kept;
    };
    return moeDecoder(config, shared, () => attention, feedForward);
  },
};
