import { expect } from 'chai';
import type { Session } from '../../src/engine/index.js';
import { SluiceError } from '../../src/errors.js';
import { compile, Graph, reshape } from '../../src/graph/index.js';
import { argmax, Generator, logitsOf, Scorer } from '../../src/infer/index.js';
import { batchInputs, buildModel, type Model } from '../../src/models/index.js';
import { setFormulaWeights } from '../models/formula-weights.js';
import { ReferenceSession } from '../models/reference-session.js';

const configs = {
  mistral: {
    model_type: 'mistral',
    vocab_size: 23,
    hidden_size: 16,
    intermediate_size: 12,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    sliding_window: 5,
    max_position_embeddings: 40,
  },
  gpt2: { model_type: 'gpt2', vocab_size: 23, n_embd: 16, n_layer: 2, n_head: 2, n_positions: 40 },
  olmoe: {
    model_type: 'olmoe',
    vocab_size: 23,
    hidden_size: 16,
    intermediate_size: 8,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    num_experts: 4,
    num_experts_per_tok: 2,
    max_position_embeddings: 40,
  },
};
const prompts = [[3, 1, 4], [1, 5, 9, 2, 6, 5, 3, 5, 8], [9]];

async function setUp(config: Record<string, unknown>) {
  const model = await buildModel(config);
  const session = new ReferenceSession();
  setFormulaWeights(model, session);
  return { model, session, engine: session as unknown as Session };
}

/** Greedy continuation by running the whole sequence again for every token. */
async function recompute(
  model: Model,
  session: ReferenceSession,
  prompt: number[],
  count: number,
): Promise<number[]> {
  const ids = [...prompt];
  for (let i = 0; i < count; i++) {
    const graph = new Graph();
    const output = model.forward(batchInputs(graph, 1, ids.length));
    graph.output('logits', logitsOf(output, reshape(output.hidden, [ids.length, -1])));
    const program = compile(graph, { threads: 1 });
    const { logits } = await session.load(program).run({
      input_ids: Int32Array.from(ids),
      segment_ids: new Int32Array(ids.length).fill(1),
      positions: Int32Array.from(ids, (_, t) => t),
    });
    ids.push(argmax(logits!.subarray(-23)));
  }
  return ids.slice(prompt.length);
}

describe('generation', () => {
  for (const [name, config] of Object.entries(configs)) {
    it(`of ${name} over the cache gives the tokens that running everything again gives, in any batch`, async () => {
      const { model, session, engine } = await setUp(config);
      const generator = new Generator(model, engine, { threads: 1 });
      const together = (await generator.generate(prompts, { maxNewTokens: 12, temperature: 0 })).ids;
      for (const [row, prompt] of prompts.entries()) {
        const alone = (await generator.generate([prompt], { maxNewTokens: 12, temperature: 0 })).ids[0];
        expect(together[row]).to.deep.equal(alone);
        expect(alone).to.deep.equal(await recompute(model, session, prompt, 12));
      }
      generator.close();
    });
  }

  it('stops a row at a stop id, which is not returned, and goes on with the others', async () => {
    const { model, engine } = await setUp(configs.mistral);
    const generator = new Generator(model, engine, { threads: 1 });
    const free = (await generator.generate(prompts, { maxNewTokens: 8, temperature: 0 })).ids;
    const stop = free[0]![3]!;
    const cut = (row: number[]) => (row.includes(stop) ? row.slice(0, row.indexOf(stop)) : row);
    const { ids } = await generator.generate(prompts, { maxNewTokens: 8, temperature: 0, stopIds: [stop] });
    expect(ids).to.deep.equal(free.map(cut));
  });

  const refused: [name: string, prompts: number[][], maxNewTokens: number, message: string][] = [
    ['an empty prompt', [[1], []], 4, 'prompt 1 is empty'],
    ['more tokens than the model has positions', [[1, 2, 3]], 38, "more than the model's 40"],
  ];
  for (const [name, given, maxNewTokens, message] of refused) {
    it(`refuses ${name}`, async () => {
      const { model, engine } = await setUp(configs.mistral);
      const generator = new Generator(model, engine, { threads: 1 });
      const error = await generator
        .generate(given, { maxNewTokens, temperature: 0 })
        .catch((thrown: Error) => thrown);
      expect(error).to.be.instanceOf(SluiceError);
      expect((error as Error).message).to.include(message);
    });
  }
});

describe('scoring', () => {
  it('gives each sequence the scores it has alone, in the order given', async () => {
    const { model, engine } = await setUp(configs.olmoe);
    const sequences = [...prompts, [2, 7, 1, 8, 2, 8, 1, 8, 2, 8, 4, 5, 9]];
    const together = await new Scorer(model, engine, { threads: 1, batchTokens: 32 }).score(sequences);
    expect(together.map(({ nll }) => nll.length)).to.deep.equal([2, 8, 0, 12]);
    for (const [row, ids] of sequences.entries()) {
      const [alone] = await new Scorer(model, engine, { threads: 1 }).score([ids]);
      together[row]!.nll.forEach((value, i) => {
        expect(value).to.be.closeTo(alone!.nll[i]!, 1e-6);
      });
      expect(together[row]!.greedy).to.deep.equal(alone!.greedy);
    }
  });

  it('marks the tokens that greedy generation would have chosen', async () => {
    const { model, session, engine } = await setUp(configs.gpt2);
    const continuation = await recompute(model, session, [3, 1, 4], 4);
    const [scores] = await new Scorer(model, engine, { threads: 1 }).score([[3, 1, 4, ...continuation]]);
    expect([...scores!.greedy.subarray(2)]).to.deep.equal([1, 1, 1, 1]);
  });
});
