import { expect } from 'chai';
import { Graph } from '../../src/graph/index.js';
import { batchInputs, buildModel } from '../../src/models/index.js';

const tiny = {
  vocab_size: 16,
  hidden_size: 8,
  num_hidden_layers: 5,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  intermediate_size: 8,
  moe_intermediate_size: 4,
  shared_expert_intermediate_size: 4,
  num_experts: 2,
  num_experts_per_tok: 1,
  rms_norm_eps: 1e-6,
  sliding_window: 3,
};

/** Window of each layer (0: none) as Transformers' config classes give them where a config has no `layer_types`. */
describe('sliding windows', () => {
  const rows: [modelType: string, config: Record<string, unknown>, windows: number[]][] = [
    ['mistral', {}, [3, 3, 3, 3, 3]],
    ['mistral', { sliding_window: null }, [0, 0, 0, 0, 0]],
    ['gemma2', {}, [3, 0, 3, 0, 3]],
    ['qwen2', { use_sliding_window: true, max_window_layers: 3 }, [0, 0, 0, 3, 3]],
    ['qwen2', { use_sliding_window: false, max_window_layers: 3 }, [0, 0, 0, 0, 0]],
    ['qwen3', { use_sliding_window: true, max_window_layers: 4 }, [0, 0, 0, 0, 3]],
    ['qwen2_moe', { use_sliding_window: true, max_window_layers: 3 }, [3, 0, 3, 0, 0]],
    ['qwen2_moe', { use_sliding_window: false, max_window_layers: 3 }, [0, 0, 0, 0, 0]],
    ['qwen3_moe', { use_sliding_window: true, max_window_layers: 3 }, [3, 3, 3, 3, 3]],
    [
      'qwen2_moe',
      { use_sliding_window: true, layer_types: tiny5('sliding_attention', 'full_attention') },
      [3, 0, 0, 0, 0],
    ],
  ];
  for (const [model_type, config, windows] of rows) {
    it(`of ${model_type} with ${JSON.stringify(config)}: ${windows}`, async () => {
      const model = await buildModel({ ...tiny, model_type, ...config });
      const graph = new Graph();
      graph.output('hidden', model.forward(batchInputs(graph, 1, 4)).hidden);
      const found = graph.nodes
        .filter(({ op }) => op === 'attention')
        .map(({ attributes }) => attributes.window);
      expect(found).to.deep.equal(windows);
    });
  }
});

function tiny5(first: string, others: string): string[] {
  return [first, others, others, others, others];
}
