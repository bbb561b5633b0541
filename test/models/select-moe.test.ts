import { expect } from 'chai';
import { compile, Graph, reshape } from '../../src/graph/index.js';
import { logitsOf } from '../../src/infer/index.js';
import { batchInputs, buildModel, type Model, rngInput, rowScores } from '../../src/models/index.js';
import { fromOlmoe } from '../../src/models/select_moe/hf-names.js';
import { setFormulaWeights } from './formula-weights.js';
import { ReferenceSession } from './reference-session.js';

const olmoe = {
  model_type: 'olmoe',
  vocab_size: 19,
  hidden_size: 12,
  intermediate_size: 8,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_experts: 3,
  num_experts_per_tok: 2,
  tie_word_embeddings: true,
};
const select = { ...olmoe, model_type: 'select_moe' };

/** Select-MoE with the weights of the OLMoE model; every gate row is `gate`. */
async function selectLike(source: ReferenceSession, config: Record<string, unknown>, gate: number) {
  const model = await buildModel({ ...select, ...config });
  const original = await buildModel(olmoe);
  const session = new ReferenceSession();
  for (const { name, shape } of original.parameters()) {
    session.setState(fromOlmoe(name), 'f32', shape, source.getState(name).data);
  }
  for (const { name, shape } of model.parameters()) {
    if (name.includes('quality_gate')) session.setState(name, 'f32', shape, new Float32Array(12).fill(gate));
  }
  return { model, session };
}

async function run(model: Model, session: ReferenceSession, step = 0, openGates = false) {
  const graph = new Graph();
  const batch = batchInputs(graph, 2, 4);
  const output = model.forward(batch, { openGates });
  graph.output('logits', logitsOf(output, reshape(output.hidden, [8, -1])));
  if (model.modelType === 'select_moe') graph.output('scores', rowScores(output.routers, batch.segmentIds));
  const program = compile(graph, { threads: 1 });
  const inputs: Record<string, Int32Array> = {
    input_ids: Int32Array.of(3, 1, 4, 1, 5, 9, 2, 6),
    segment_ids: Int32Array.of(1, 1, 1, 1, 1, 1, 1, 0),
    positions: Int32Array.of(0, 1, 2, 3, 0, 1, 2, 3),
  };
  if (program.inputs.some(({ name }) => name === 'rng')) inputs.rng = rngInput(7, step);
  return session.load(program).run(inputs);
}

describe('Select-MoE', () => {
  const source = new ReferenceSession();
  before(async () => setFormulaWeights(await buildModel(olmoe), source));

  it('with open gates is the OLMoE model that it was made from', async () => {
    const { model, session } = await selectLike(source, { trash_expert_mode: 'noise' }, 0);
    const original = await run(await buildModel(olmoe), source);
    expect((await run(model, session, 0, true)).logits).to.deep.equal(original.logits);
    expect((await run(model, session)).logits).not.to.deep.equal(original.logits);
  });

  it('keeps half of what the experts say when the gates are undecided', async () => {
    const { model, session } = await selectLike(source, {}, 0);
    const { scores } = await run(model, session);
    expect([...scores!]).to.deep.equal([0.5, 0.5]);
  });

  it('draws other noise at another step and the same at the same', async () => {
    const { model, session } = await selectLike(source, { trash_expert_mode: 'noise' }, 0);
    const first = (await run(model, session, 1)).logits!;
    expect((await run(model, session, 1)).logits!).to.deep.equal(first);
    expect((await run(model, session, 2)).logits!).not.to.deep.equal(first);
  });

  it('with zero trash needs no random numbers', async () => {
    const { model, session } = await selectLike(source, {}, 0);
    expect((await run(model, session, 1)).logits!).to.deep.equal((await run(model, session, 2)).logits!);
  });

  it('refuses a trash mode that nobody registered', async () => {
    const error = await buildModel({
      ...select,
      trash_expert_mode: 'custom',
      trash_expert_name: 'mine',
    }).catch((thrown: Error) => thrown);
    expect((error as Error).message).to.include('trash_expert_name is "mine"');
  });
});
