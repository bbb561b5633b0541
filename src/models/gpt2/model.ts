import { add, embedding, slice, type Tensor } from '../../graph/index.js';
import { attend, joinHeads, splitHeads } from '../blocks/attention.js';
import { linear, residual } from '../blocks/linear.js';
import { activate, readActivation } from '../blocks/mlp.js';
import { layerNorm } from '../blocks/norm.js';
import type { Family } from '../model.js';
import { normal } from '../parameter.js';
import type { Batch, ModelTrace } from '../trace.js';
import { canonicalName } from './hf-names.js';

/** GPT-2: learned positions, layer norms, one matrix for queries, keys and values, weights stored [in,out]. */
export const family: Family = {
  build(config) {
    const width = config.integer('n_embd');
    const heads = config.integer('n_head');
    const inner = config.integer('n_inner', 4 * width);
    const length = config.integer('n_positions', 1024);
    const norm = { eps: config.number('layer_norm_epsilon', 1e-5) };
    const activation = readActivation(config, 'activation_function', 'gelu_new');
    const init = normal(config.number('initializer_range', 0.02));
    const layers = config.integer('n_layer');
    const vocabulary = config.integer('vocab_size');
    const tied = config.boolean('tie_word_embeddings', true);
    const byLayer = config.boolean('scale_attn_by_inverse_layer_idx', false);
    const scaled = config.boolean('scale_attn_weights', true);

    const project = (trace: ModelTrace, name: string, x: Tensor, out: number) =>
      linear(trace, name, x, { out, init, bias: true, transposed: true });
    const attention = (trace: ModelTrace, batch: Batch, h: Tensor, layer: number) => {
      const all = project(trace, 'c_attn', h, 3 * width);
      const [q, k, v] = [0, 1, 2].map((i) =>
        splitHeads(slice(all, -1, i * width, (i + 1) * width), heads),
      ) as [Tensor, Tensor, Tensor];
      const scale = (scaled ? (width / heads) ** -0.5 : 1) / (byLayer ? layer + 1 : 1);
      return project(trace, 'c_proj', joinHeads(attend(trace, batch, q, k, v, { scale })), width);
    };
    const mlp = (trace: ModelTrace, h: Tensor) =>
      project(trace, 'c_proj', activate(project(trace, 'c_fc', h, inner), activation), width);
    const block = (trace: ModelTrace, batch: Batch, x: Tensor, layer: number) => {
      const normed = layerNorm(trace, 'ln_1', x, norm);
      const between = residual(
        trace,
        x,
        trace.within('attn', () => attention(trace, batch, normed, layer)),
      );
      const fed = layerNorm(trace, 'ln_2', between, norm);
      return residual(
        trace,
        between,
        trace.within('mlp', () => mlp(trace, fed)),
      );
    };

    return {
      maxLength: length,
      canonicalName,
      forward: (trace, batch) =>
        trace.within('transformer', () => {
          const table = trace.table('transformer.wte.weight', [vocabulary, width], init);
          const places = trace.parameter('wpe.weight', [length, width], init);
          let x = add(embedding(table, batch.inputIds), embedding(places, batch.positions));
          const hiddenStates = [x];
          for (let layer = 0; layer < layers; layer++) {
            x = trace.within(`h.${layer}`, () => block(trace, batch, x, layer));
            if (layer < layers - 1) hiddenStates.push(x);
          }
          const hidden = layerNorm(trace, 'ln_f', x, norm);
          hiddenStates.push(hidden);
          const headWeight = tied ? table : trace.table('lm_head.weight', [vocabulary, width], init);
          return { hidden, headWeight, logitSoftcap: 0, routers: [], hiddenStates };
        }),
    };
  },
};
