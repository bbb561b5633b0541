import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { bf16ToF32, f32ToBf16 } from '../../src/checkpoint/index.js';
import type { Session } from '../../src/engine/index.js';
import { Generator, Scorer } from '../../src/infer/index.js';
import {
  buildModel,
  dequantizeRows,
  initializeWeights,
  LoraAdapter,
  loadModel,
  loadWeights,
  type Model,
  quantizeRows,
  readPeftConfig,
  saveModelFolder,
  savePeftFolder,
  storageOf,
} from '../../src/models/index.js';
import { languageModel } from '../../src/train/index.js';
import { adamW } from '../../src/train/optim/adamw.js';
import { buildStep } from '../../src/train/step.js';
import { Data } from '../numerics/data.js';
import { useEngine } from '../numerics/native-run.js';

const widestGap = 1 - 0.6961928009986877; // between neighbours of NF4's 16 values

describe('quantised rows', () => {
  const rows = 9;
  const columns = 150;
  const weights = Float32Array.from(new Data(3).normal([rows, columns], 0.7).values);

  for (const [format, steps] of [
    ['int8', 1 / 127],
    ['nf4', widestGap],
  ] as const) {
    it(`of ${format} are off by half a step of their block at most`, () => {
      const back = dequantizeRows(format, quantizeRows(format, weights, rows), rows, columns);
      for (let row = 0; row < rows; row++) {
        for (let first = 0; first < columns; first += 64) {
          const from = row * columns + first;
          const to = Math.min(from + 64, (row + 1) * columns);
          const largest = Math.max(...weights.subarray(from, to).map(Math.abs));
          for (let i = from; i < to; i++) {
            expect(Math.abs(back[i]! - weights[i]!)).to.be.at.most((largest * steps) / 2 + 1e-6);
          }
        }
      }
    });

    it(`of ${format} keep zeros, and what they were made of once before`, () => {
      const zeros = new Float32Array(200);
      expect([...dequantizeRows(format, quantizeRows(format, zeros, 2), 2, 100)]).to.deep.equal([...zeros]);
      const once = dequantizeRows(format, quantizeRows(format, weights, rows), rows, columns);
      const twice = dequantizeRows(format, quantizeRows(format, once, rows), rows, columns);
      twice.forEach((value, i) => {
        expect(value).to.be.closeTo(once[i]!, 1e-6);
      });
    });
  }
});

const configs = {
  llama: {
    model_type: 'llama',
    vocab_size: 61,
    hidden_size: 144,
    intermediate_size: 200,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    max_position_embeddings: 64,
    tie_word_embeddings: true,
  },
  gpt2: { model_type: 'gpt2', vocab_size: 61, n_embd: 80, n_layer: 2, n_head: 4, n_positions: 64 },
  olmoe: {
    model_type: 'olmoe',
    vocab_size: 61,
    hidden_size: 80,
    intermediate_size: 72,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_experts: 4,
    num_experts_per_tok: 2,
    max_position_embeddings: 64,
  },
};

describe('frozen weights', () => {
  const engine = useEngine();
  let folder: string;
  const sessions: Session[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-quantised-'));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
    for (const session of sessions.splice(0)) session.close();
  });

  const open = () => {
    const session = engine().session({ device: 'cpu', threads: 2 });
    sessions.push(session);
    return session;
  };

  /** Saves a random model and loads it as `keys` say. */
  async function load(config: Record<string, unknown>, keys: Parameters<typeof storageOf>[0]) {
    const plain = await buildModel(config);
    const original = open();
    await initializeWeights(plain.parameters(), original, { seed: 5, threads: 2 });
    saveModelFolder(plain, original, folder);
    const model = (await loadModel(folder)).stored(storageOf(keys));
    const session = open();
    loadWeights(model, folder, session);
    return { plain, original, model, session };
  }

  async function firstLogits(model: Model, session: Session): Promise<Float32Array[]> {
    const steps: Float32Array[] = [];
    const generator = new Generator(model, session, { threads: 2 });
    await generator.generate(
      [
        [3, 1, 4, 1, 5],
        [9, 2],
      ],
      {
        maxNewTokens: 3,
        temperature: 0,
        onLogits: (_, logits) => steps.push(logits.slice()),
      },
    );
    generator.close();
    return steps;
  }

  for (const [name, config] of Object.entries(configs)) {
    for (const quantization of ['int8', 'nf4'] as const) {
      it(`of ${name} in ${quantization} give the very logits of the weights they stand for`, async () => {
        const { plain, original, model, session } = await load(config, { quantization });
        for (const { name: weight, shape, projection } of plain.parameters()) {
          if (!projection) continue;
          const data = original.getState(weight).data as Float32Array;
          const [rows, columns] = [data.length / shape.at(-1)!, shape.at(-1)!];
          const swap = (values: Float32Array, r: number, c: number) =>
            projection.transposed
              ? Float32Array.from(values, (_, i) => values[(i % r) * c + Math.floor(i / r)]!)
              : values;
          const [n, k] = projection.transposed ? [columns, rows] : [rows, columns];
          const quantised = quantizeRows(quantization, swap(data, rows, columns), n);
          const back = swap(dequantizeRows(quantization, quantised, n, k), n, k);
          original.setState(weight, 'f32', shape, back);
        }
        const [expected, given] = [await firstLogits(plain, original), await firstLogits(model, session)];
        const exact = name !== 'gpt2'; // its weights lie in columns, which add up in another order
        given.forEach((logits, step) => {
          logits.forEach((value, i) => {
            expect(value).to.be.closeTo(expected[step]![i]!, exact ? 0 : 1e-5);
          });
        });
      });
    }
  }

  it('in bf16 give the logits of the rounded weights, summed in another order', async () => {
    const { plain, original, model, session } = await load(configs.llama, {
      dtype: 'bf16',
      quantization: 'none',
    });
    const scores = async (of: Model, where: Session) =>
      (await new Scorer(of, where, { threads: 2 }).score([[3, 1, 4, 1, 5, 9, 2, 6]]))[0]!.nll;
    for (const { name, shape, narrowable } of plain.parameters()) {
      const data = original.getState(name).data as Float32Array;
      if (narrowable) original.setState(name, 'f32', shape, bf16ToF32(f32ToBf16(data)));
    }
    const expectSums = (given: ArrayLike<number>, expected: ArrayLike<number>) =>
      Array.from(given).forEach((value, i) => {
        expect(value).to.be.closeTo(expected[i]!, 1e-6); // values up to 1: some roundings of f32, none of bf16 (4e-3)
      });
    const [given, expected] = [await firstLogits(model, session), await firstLogits(plain, original)];
    given.forEach((logits, step) => {
      expectSums(logits, expected[step]!);
    });
    expectSums(await scores(model, session), await scores(plain, original));
  });

  it('take a quarter and an eighth of the memory, with their scales', async () => {
    const wide = { ...configs.llama, hidden_size: 256, intermediate_size: 512 };
    const held = async (keys: Parameters<typeof storageOf>[0]) =>
      (await load(wide, keys)).session.bytes().states;
    const rest = 61 * 256 * 4 + 5 * 256 * 4; // embeddings and norms stay as they are
    const plain = (await held({ quantization: 'none' })) - rest;
    expect(((await held({ quantization: 'int8' })) - rest) / plain).to.be.closeTo(1 / 4 + 1 / 64, 1e-6);
    expect(((await held({ quantization: 'nf4' })) - rest) / plain).to.be.closeTo(1 / 8 + 1 / 64, 1e-6);
  });

  it('in 4 bits carry an adapter that learns, while they stay as they are', async () => {
    const { model, session } = await load(configs.olmoe, { quantization: 'nf4' });
    const adapter = new LoraAdapter(
      { rank: 4, alpha: 8, dropout: 0, targetModules: 'all-linear', rankStabilized: false },
      { training: true },
    );
    model.parameters({ adapter });
    const trainable = [...adapter.parameters.values()];
    await initializeWeights(trainable, session, { seed: 1, threads: 2 });
    const optimizer = adamW({ beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0 });
    for (const spec of trainable) {
      for (const moment of optimizer.states(spec)) session.setState(moment, 'f32', spec.shape, null);
    }
    const { update } = buildStep({
      model,
      adapter,
      trainable,
      objective: languageModel({ auxLossWeight: 0 }),
      batch: 2,
      length: 12,
      accumulation: 1,
      optimizer,
      maxGradNorm: 1,
      dtype: 'fp32',
      threads: 2,
    });
    const frozen = 'model.layers.0.mlp.experts.gate_proj.weight.codes';
    const before = session.getState(frozen).data;
    const step = session.load(update);
    const ids = Int32Array.from({ length: 24 }, (_, i) => (7 * i) % 61);
    const losses: number[] = [];
    for (let i = 1; i <= 25; i++) {
      const { loss } = await step.runWith({
        input_ids: ids,
        segment_ids: new Int32Array(24).fill(1),
        positions: Int32Array.from(ids, (_, t) => t % 12),
        labels: Int32Array.from(ids, (_, t) => (t % 12 === 11 ? -100 : ids[t + 1]!)),
        loss_scale: Float32Array.of(1 / 22),
        optimizer: Float32Array.of(1e-2, i),
      });
      losses.push(loss![0]!);
    }
    expect(losses.at(-1)).to.be.below(0.75 * losses[0]!);
    expect(session.getState(frozen).data).to.deep.equal(before);
    expect(session.states().map(({ name }) => name)).not.to.include(frozen.replace('.codes', ''));
    savePeftFolder(adapter, session, join(folder, 'adapter'), folder);
    expect(readPeftConfig(join(folder, 'adapter')).rank).to.equal(4);
  });
});
