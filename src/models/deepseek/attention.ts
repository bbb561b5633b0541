import { concat, expand, reshape, slice, type Tensor } from '../../graph/index.js';
import { attend, joinHeads, splitHeads } from '../blocks/attention.js';
import type { DecoderConfig } from '../blocks/decoder.js';
import { linear } from '../blocks/linear.js';
import { rmsNorm } from '../blocks/norm.js';
import { applyRope, readRope, yarnMscale } from '../blocks/rope.js';
import type { ConfigReader } from '../config-reader.js';
import type { Batch, ModelTrace } from '../trace.js';

/** The norms of the compressed queries and keys keep this epsilon whatever the config says. */
const latentNorm = { eps: 1e-6 };

/**
 * Multi-head latent attention: keys and values come from a low-rank latent, and only a part of each query and key
 * rotates; that part of the key is one for all heads. [B,T,H] -> [B,T,H]
 */
export function latentAttention(config: ConfigReader, shared: DecoderConfig, interleaved: boolean) {
  const { heads, width, init } = shared;
  const plain = config.integer('qk_nope_head_dim');
  const rotating = config.integer('qk_rope_head_dim');
  const valueSize = config.integer('v_head_dim');
  const keyRank = config.integer('kv_lora_rank');
  const queryRank = config.optionalNumber('q_lora_rank');
  const bias = config.boolean('attention_bias', false);
  const rope = readRope(config, rotating, interleaved);
  const scale = attentionScale(config, plain + rotating);

  const queries = (trace: ModelTrace, h: Tensor): Tensor => {
    const out = heads * (plain + rotating);
    if (queryRank === null) return linear(trace, 'q_proj', h, { out, init });
    const latent = linear(trace, 'q_a_proj', h, { out: queryRank, init, bias });
    return linear(trace, 'q_b_proj', rmsNorm(trace, 'q_a_layernorm', latent, latentNorm), { out, init });
  };

  return (trace: ModelTrace, batch: Batch, h: Tensor): Tensor => {
    const [rows, length] = h.shape as [number, number];
    const q = splitHeads(queries(trace, h), heads);
    const qRotated = applyRope(slice(q, -1, plain), batch, rope);

    const compressed = linear(trace, 'kv_a_proj_with_mqa', h, { out: keyRank + rotating, init, bias });
    const kRotated = applyRope(splitHeads(slice(compressed, -1, keyRank), 1), batch, rope);
    const latent = rmsNorm(trace, 'kv_a_layernorm', slice(compressed, -1, 0, keyRank), latentNorm);
    const both = splitHeads(
      linear(trace, 'kv_b_proj', latent, { out: heads * (plain + valueSize), init }),
      heads,
    );
    const keys = concat([slice(both, -1, 0, plain), expand(kRotated, [rows, length, heads, rotating])], -1);

    const query = concat([slice(q, -1, 0, plain), qRotated], -1);
    const mixed = attend(trace, batch, query, keys, slice(both, -1, plain), { scale });
    return linear(trace, 'o_proj', reshape(joinHeads(mixed), [rows, length, heads * valueSize]), {
      out: width,
      init,
      bias,
    });
  };
}

/** 1/√size, times mscale² where the position encoding is scaled with `mscale_all_dim`. */
function attentionScale(config: ConfigReader, size: number): number {
  const settings = config.object('rope_parameters') ?? config.object('rope_scaling');
  const isScaled =
    settings !== null && (settings.raw.rope_type ?? settings.raw.type ?? 'default') !== 'default';
  const mscale = isScaled ? settings.number('mscale_all_dim', 0) : 0;
  const factor = mscale ? yarnMscale(settings!.number('factor'), mscale) : 1;
  return size ** -0.5 * factor * factor;
}
