import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { SluiceError } from '../../src/errors.js';
import { compile, Graph, gradients, reshape } from '../../src/graph/index.js';
import { logitsOf } from '../../src/infer/index.js';
import {
  type Adapter,
  batchInputs,
  buildModel,
  initializeWeights,
  LoraAdapter,
  type LoraConfig,
  lmLoss,
  loadPeftWeights,
  type Model,
  mergeAdapter,
  readPeftConfig,
  rngInput,
  savePeftFolder,
} from '../../src/models/index.js';
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
const gpt2 = { model_type: 'gpt2', vocab_size: 19, n_embd: 12, n_layer: 1, n_head: 2, n_positions: 16 };
const lora: LoraConfig = {
  rank: 2,
  alpha: 6,
  dropout: 0,
  targetModules: 'all-linear',
  rankStabilized: false,
};

/** An adapter that acts: both factors random. */
async function actingAdapter(model: Model, session: ReferenceSession, config = lora): Promise<LoraAdapter> {
  const adapter = new LoraAdapter(config);
  model.parameters({ adapter });
  const specs = [...adapter.parameters.values()].map((spec) => ({
    ...spec,
    init: { kind: 'normal', mean: 0, std: 0.3 } as const,
  }));
  await initializeWeights(specs, session, { seed: 5, threads: 1 });
  return adapter;
}

async function logits(
  model: Model,
  session: ReferenceSession,
  adapter: Adapter | null,
  step = 0,
): Promise<Float32Array> {
  const graph = new Graph();
  const output = model.forward(batchInputs(graph, 1, 7), { adapter });
  graph.output('logits', logitsOf(output, reshape(output.hidden, [7, -1])));
  const program = compile(graph, { threads: 1 });
  const inputs: Record<string, Int32Array> = {
    input_ids: Int32Array.of(3, 1, 4, 1, 5, 9, 2),
    segment_ids: new Int32Array(7).fill(1),
    positions: Int32Array.of(0, 1, 2, 3, 4, 5, 6),
  };
  if (program.inputs.some(({ name }) => name === 'rng')) inputs.rng = rngInput(1, step);
  return (await session.load(program).run(inputs)).logits!;
}

const distance = (a: Float32Array, b: Float32Array) =>
  a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0);

describe('LoRA', () => {
  for (const [name, config] of Object.entries({ olmoe, gpt2 })) {
    it(`on all linears of ${name} answers as the model that it is merged into`, async () => {
      const model = await buildModel(config);
      const session = new ReferenceSession();
      setFormulaWeights(model, session);
      const base = await logits(model, session, null);
      const adapter = await actingAdapter(model, session);
      const adapted = await logits(model, session, adapter);
      expect(distance(base, adapted)).to.be.greaterThan(0.05);
      await mergeAdapter(adapter, model, session, { threads: 1 });
      expect(distance(adapted, await logits(model, session, null))).to.be.lessThan(1e-5);
    });
  }

  it('starts as nothing: B is zero', async () => {
    const model = await buildModel(olmoe);
    const session = new ReferenceSession();
    setFormulaWeights(model, session);
    const base = await logits(model, session, null);
    const adapter = new LoraAdapter(lora);
    model.parameters({ adapter });
    await initializeWeights([...adapter.parameters.values()], session, { seed: 1, threads: 1 });
    expect(distance(base, await logits(model, session, adapter))).to.equal(0);
  });

  it('drops inputs in training only, others at every step', async () => {
    const model = await buildModel(gpt2);
    const session = new ReferenceSession();
    setFormulaWeights(model, session);
    const config = { ...lora, dropout: 0.5 };
    const scoring = await actingAdapter(model, session, config);
    const training = new LoraAdapter(config, { training: true });
    const still = await logits(model, session, scoring);
    const first = await logits(model, session, training, 1);
    expect(distance(first, await logits(model, session, training, 1))).to.equal(0);
    expect(distance(first, still)).to.be.greaterThan(0.01);
    expect(distance(first, await logits(model, session, training, 2))).to.be.greaterThan(0.01);
  });

  it('computes no gradient of a frozen weight', async () => {
    const model = await buildModel(olmoe);
    const frozen = model.parameters();
    const adapter = new LoraAdapter(lora);
    const graph = new Graph();
    const { sum } = lmLoss(
      model.forward(batchInputs(graph, 1, 4), { adapter }),
      graph.input('labels', 'i32', [1, 4]),
    );
    const learns = [...adapter.parameters.values()].map((spec) => graph.state(spec.name, 'f32', spec.shape));
    gradients(sum, learns).forEach((grad, i) => {
      graph.output(`grad.${i}`, grad!);
    });
    const program = compile(graph, { threads: 1 });
    const made = new Set(
      program.ops.flatMap((op) => op.outputs.map((id) => String(id !== null && program.values[id]!.shape))),
    );
    for (const { name, shape } of frozen.filter(
      (spec) => spec.name.includes('experts') || spec.name.includes('embed'),
    )) {
      expect(made.has(String(shape)), name).to.equal(false);
    }
  });

  const targets: [
    targetModules: string[] | string,
    path: string,
    kind: 'projection' | 'router',
    hit: boolean,
  ][] = [
    ['all-linear', 'model.layers.0.self_attn.q_proj', 'projection', true],
    ['all-linear', 'model.layers.0.mlp.gate', 'router', false],
    [['q_proj', 'gate'], 'model.layers.0.mlp.gate', 'router', true],
    [['q_proj'], 'model.layers.11.self_attn.q_proj', 'projection', true],
    [['proj'], 'model.layers.11.self_attn.q_proj', 'projection', false],
    [['self_attn.q_proj'], 'model.layers.1.self_attn.q_proj', 'projection', true],
    ['.*\\.1\\..*_proj', 'model.layers.1.mlp.up_proj', 'projection', true],
    ['.*\\.1\\..*_proj', 'model.layers.2.mlp.up_proj', 'projection', false],
  ];
  for (const [targetModules, path, kind, hit] of targets) {
    it(`target_modules ${JSON.stringify(targetModules)} ${hit ? 'takes' : 'leaves'} ${path}`, () => {
      expect(new LoraAdapter({ ...lora, targetModules }).targets({ path, kind })).to.equal(hit);
    });
  }

  it('goes through a PEFT folder unchanged, experts one by one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-peft-'));
    const model = await buildModel(olmoe);
    const session = new ReferenceSession();
    setFormulaWeights(model, session);
    const adapter = await actingAdapter(model, session, { ...lora, rankStabilized: true });
    const before = await logits(model, session, adapter);
    savePeftFolder(adapter, session, folder, 'base');
    const header = readFileSync(join(folder, 'adapter_model.safetensors')).toString('latin1');
    expect(header).to.include('"base_model.model.model.layers.1.mlp.experts.2.up_proj.lora_A.weight"');

    const other = new ReferenceSession();
    setFormulaWeights(model, other);
    const again = new LoraAdapter(readPeftConfig(folder));
    model.parameters({ adapter: again });
    loadPeftWeights(folder, again, other);
    expect(distance(before, await logits(model, other, again))).to.be.lessThan(1e-6); // files are f32

    const small = await buildModel({ ...olmoe, num_hidden_layers: 1 });
    const misfit = new LoraAdapter(readPeftConfig(folder));
    small.parameters({ adapter: misfit });
    expect(() => loadPeftWeights(folder, misfit, other)).to.throw(
      SluiceError,
      'layers.1.mlp.experts.0.down_proj',
    );
    const configFile = join(folder, 'adapter_config.json');
    const config = JSON.parse(readFileSync(configFile, 'utf8'));
    const read = (keys: Record<string, unknown>) => {
      writeFileSync(configFile, JSON.stringify({ ...config, ...keys }));
      return readPeftConfig(folder);
    };
    // what PEFT writes for a mixture of experts whose experts it left alone
    expect(read({ target_parameters: [], exclude_modules: null }).rank).to.equal(again.config.rank);
    expect(() => read({ target_parameters: ['mlp.experts.up_proj'] })).to.throw(
      SluiceError,
      'target_parameters',
    );
    expect(() => read({ use_dora: true })).to.throw(SluiceError, 'use_dora is set and not supported');
    rmSync(folder, { recursive: true });
  });
});
