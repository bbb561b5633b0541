import { slice, type Tensor } from '../../graph/index.js';
import { attend, joinHeads, splitHeads } from '../blocks/attention.js';
import { decoder, preNormLayer, readDecoder } from '../blocks/decoder.js';
import { linear } from '../blocks/linear.js';
import { gated, readActivation } from '../blocks/mlp.js';
import { applyRope, readRope } from '../blocks/rope.js';
import type { Family } from '../model.js';
import type { Batch, ModelTrace } from '../trace.js';

/** Phi-3 and 3.5: one matrix for queries, keys and values, one for gate and up; part of a head may stay unrotated. */
export const family: Family = {
  build(config) {
    const shared = readDecoder(config, { eps: 1e-5 });
    const { heads, keyHeads, headSize, width, init } = shared;
    const rope = readRope(config, headSize);
    const options = { scale: headSize ** -0.5, window: config.optionalNumber('sliding_window') ?? 0 };
    const inner = config.integer('intermediate_size');
    const activation = readActivation(config, 'hidden_act', 'silu');
    const querySize = heads * headSize;
    const keySize = keyHeads * headSize;

    const attention = (trace: ModelTrace, batch: Batch, h: Tensor) => {
      const all = linear(trace, 'qkv_proj', h, { out: querySize + 2 * keySize, init });
      const q = splitHeads(slice(all, -1, 0, querySize), heads);
      const k = splitHeads(slice(all, -1, querySize, querySize + keySize), keyHeads);
      const v = splitHeads(slice(all, -1, querySize + keySize), keyHeads);
      const rotated = [q, k].map((part) => applyRope(part, batch, rope)) as [Tensor, Tensor];
      const mixed = attend(trace, batch, ...rotated, v, options);
      return linear(trace, 'o_proj', joinHeads(mixed), { out: width, init });
    };
    const mlp = (trace: ModelTrace, h: Tensor) => {
      const both = linear(trace, 'gate_up_proj', h, { out: 2 * inner, init });
      const hidden = gated(slice(both, -1, 0, inner), slice(both, -1, inner), activation);
      return linear(trace, 'down_proj', hidden, { out: width, init });
    };
    return {
      maxLength: config.optionalNumber('max_position_embeddings'),
      forward: (trace, batch) =>
        decoder(trace, batch, shared, (x) =>
          preNormLayer(
            trace,
            x,
            shared.eps,
            (h) => attention(trace, batch, h),
            (h) => trace.within('mlp', () => mlp(trace, h)),
          ),
        ),
    };
  },
};
