import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { SafetensorsFile, writeSafetensors } from '../../src/checkpoint/index.js';
import { SluiceError } from '../../src/errors.js';
import {
  buildModel,
  collectWeights,
  initializeWeights,
  loadModel,
  loadWeights,
  type ParameterSpec,
  saveModelFolder,
} from '../../src/models/index.js';
import { setFormulaWeights } from './formula-weights.js';
import { ReferenceSession } from './reference-session.js';

const config = {
  model_type: 'olmoe',
  vocab_size: 11,
  hidden_size: 8,
  intermediate_size: 4,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_experts: 2,
  num_experts_per_tok: 1,
  tie_word_embeddings: true,
  eos_token_id: 2,
  something_unknown: { kept: true },
};

describe('model folders', () => {
  let folder: string;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-model-'));
    const model = await buildModel(config);
    const session = new ReferenceSession();
    setFormulaWeights(model, session);
    saveModelFolder(model, session, folder);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('hold one tensor per expert and every key of the config', async () => {
    const names = new SafetensorsFile(join(folder, 'model.safetensors')).names;
    expect(names).to.include('model.layers.0.mlp.experts.1.down_proj.weight');
    expect(names).not.to.include('lm_head.weight');
    expect(JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'))).to.deep.include(config);
    expect(JSON.parse(readFileSync(join(folder, 'generation_config.json'), 'utf8')).eos_token_id).to.equal(2);
  });

  it('write whole numbers as floats where Transformers wants a float', async () => {
    const model = await buildModel({ ...config, attention_dropout: 0, rope_theta: 10000, clip_qkv: 8 });
    const session = new ReferenceSession();
    setFormulaWeights(model, session);
    saveModelFolder(model, session, folder);
    const text = readFileSync(join(folder, 'config.json'), 'utf8');
    for (const line of [
      '"attention_dropout": 0.0,',
      '"rope_theta": 10000.0,',
      '"clip_qkv": 8.0',
      '"hidden_size": 8,',
    ]) {
      expect(text).to.include(line);
    }
  });

  it('load as they were saved', async () => {
    const model = await loadModel(folder);
    const [saved, loaded] = [new ReferenceSession(), new ReferenceSession()];
    setFormulaWeights(model, saved);
    loadWeights(model, folder, loaded);
    for (const { name } of model.parameters())
      expect(loaded.getState(name)).to.deep.equal(saved.getState(name));
  });

  it('are cut into shards above a size, read back the same, and stay one folder when saved again', async () => {
    const model = await loadModel(folder);
    const [saved, loaded] = [new ReferenceSession(), new ReferenceSession()];
    setFormulaWeights(model, saved);
    const weights = () => readdirSync(folder).filter((name) => name.includes('safetensors'));
    saveModelFolder(model, saved, folder, { shardBytes: 1000 });
    const names = weights();
    expect(names.length).to.be.greaterThan(2);
    expect(names).to.include('model.safetensors.index.json').and.not.to.include('model.safetensors');
    expect(names[0]).to.equal(`model-00001-of-0000${names.length - 1}.safetensors`);
    loadWeights(model, folder, loaded);
    for (const { name } of model.parameters())
      expect(loaded.getState(name)).to.deep.equal(saved.getState(name));
    saveModelFolder(model, saved, folder);
    expect(weights()).to.deep.equal(['model.safetensors']);
  });

  const spoilt: [
    name: string,
    change: (tensors: ReturnType<typeof collectWeights>) => typeof tensors,
    message: string,
  ][] = [
    [
      'a missing tensor',
      (tensors) => tensors.filter(({ name }) => !name.endsWith('experts.1.up_proj.weight')),
      'model.layers.0.mlp.experts.1.up_proj.weight [4,8] is missing',
    ],
    [
      'an extra tensor',
      (tensors) => [
        ...tensors,
        { name: 'model.layers.1.x', dtype: 'F32', shape: [1], data: new Float32Array(1) },
      ],
      'model.layers.1.x is not part of this model',
    ],
    [
      'a wrong shape',
      (tensors) => tensors.map((t) => (t.name === 'model.norm.weight' ? { ...t, shape: [4, 2] } : t)),
      'model.norm.weight is [4,2], config.json asks for [8]',
    ],
  ];
  for (const [name, change, message] of spoilt) {
    it(`are refused for ${name}`, async () => {
      const model = await loadModel(folder);
      const session = new ReferenceSession();
      setFormulaWeights(model, session);
      writeSafetensors(
        join(folder, 'model.safetensors'),
        change(collectWeights(model.parameters(), session)),
      );
      expect(() => loadWeights(model, folder, session))
        .to.throw(SluiceError, message)
        .with.property('where', folder);
    });
  }

  const badConfigs: [change: Record<string, unknown>, message: string][] = [
    [{ model_type: 'bert' }, 'model_type bert is not supported'],
    [{ hidden_size: '8' }, 'hidden_size is "8", expected a number'],
    [{ num_experts: null }, 'num_experts is null, expected a number'],
    [{ hidden_act: 'mish' }, 'hidden_act is "mish", expected one of silu'],
    [
      { rope_scaling: { rope_type: 'mrope' } },
      'rope_type is "mrope", expected default, linear, dynamic, llama3, yarn or longrope',
    ],
  ];
  for (const [change, message] of badConfigs) {
    it(`are refused for ${JSON.stringify(change)}`, async () => {
      writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, ...change }));
      const error = await loadModel(folder).then(
        () => null,
        (thrown: SluiceError) => thrown,
      );
      expect(error).to.be.instanceOf(SluiceError);
      expect(error!.message).to.include(message);
      expect(error!.message).to.include(join(folder, 'config.json'));
    });
  }
});

describe('initial weights', () => {
  const spec = (name: string, kind: 'normal' | 'uniform'): ParameterSpec => ({
    name,
    shape: [40, 50],
    dtype: 'f32',
    init: kind === 'normal' ? { kind, mean: 1, std: 0.5 } : { kind, bound: 0.25 },
    stacked: false,
    buffer: false,
  });
  const drawn = async (parameters: ParameterSpec[], seed: number) => {
    const session = new ReferenceSession();
    await initializeWeights(parameters, session, { seed, threads: 1 });
    return (name: string) => session.getState(name).data;
  };

  it('depend on seed and name alone', async () => {
    const alone = (await drawn([spec('a', 'normal')], 3))('a');
    const together = await drawn([spec('b', 'normal'), spec('a', 'normal')], 3);
    expect(together('a')).to.deep.equal(alone);
    expect(together('b')).not.to.deep.equal(alone);
    expect((await drawn([spec('a', 'normal')], 2 ** 40 + 3))('a')).not.to.deep.equal(alone);
  });

  it('have the spread that was asked for', async () => {
    const get = await drawn([spec('n', 'normal'), spec('u', 'uniform')], 1);
    const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(get('n'))).to.be.closeTo(1, 0.05);
    expect(Math.sqrt(mean(get('n').map((value) => (value - 1) ** 2)))).to.be.closeTo(0.5, 0.03);
    expect(Math.max(...get('u'))).to.be.within(0.24, 0.25);
    expect(Math.min(...get('u'))).to.be.within(-0.25, -0.24);
  });
});
