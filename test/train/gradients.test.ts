import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Batch, openPacked, writeTokenStore } from '../../src/data/index.js';
import { openEngine } from '../../src/engine/index.js';
import { compile, Graph } from '../../src/graph/index.js';
import { batchInputs, buildModel, lmLoss } from '../../src/models/index.js';
import { sliceBatch } from '../../src/train/batch.js';
import { languageModel } from '../../src/train/index.js';
import { adamW } from '../../src/train/optim/adamw.js';
import { buildStep, gradientName } from '../../src/train/step.js';
import { setFormulaWeights } from '../models/formula-weights.js';
import { largestDifference } from './tiny-run.js';

const shared = { vocab_size: 64, hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 2 };
/** With rotary and with learnt positions, and a mixture whose experts take tokens of all rows. */
const configs: Record<string, Record<string, unknown>> = {
  llama: { ...shared, model_type: 'llama', intermediate_size: 12, num_key_value_heads: 1 },
  gpt2: { model_type: 'gpt2', vocab_size: 64, n_embd: 16, n_layer: 2, n_head: 2, n_positions: 16 },
  olmoe: { ...shared, model_type: 'olmoe', intermediate_size: 8, num_experts: 4, num_experts_per_tok: 2 },
};

const length = 16;

/** Token ids are unique, so that an id tells document and place. */
const documents = [9, 3, 14, 6, 4, 12, 7].map((count, d, all) => {
  const first = all.slice(0, d).reduce((sum, each) => sum + each, 0);
  return Int32Array.from({ length: count }, (_, i) => first + i);
});

/** The documents in as few rows as they fit in, or each in a row of its own. */
function batchOf(isPacked: boolean): Batch {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-packed-'));
  const about = { tokenizerSha256: 'a', vocabSize: 64, padId: 0, length };
  const parts = (isPacked ? [documents] : documents.map((document) => [document])).map((part, i) => {
    writeTokenStore(join(folder, String(i)), part, about);
    const dataset = openPacked(join(folder, String(i)), { tokenizerSha256: 'a' });
    const batch = dataset.inOrder(0, dataset.rows);
    dataset.close();
    return batch;
  });
  rmSync(folder, { recursive: true });
  const joined = (name: 'inputIds' | 'segmentIds' | 'positions' | 'labels') =>
    Int32Array.from(parts.flatMap((part) => [...part[name]]));
  const total = (name: 'batchSize' | 'tokens' | 'targets') =>
    parts.reduce((sum, part) => sum + part[name], 0);
  return {
    batchSize: total('batchSize'),
    length,
    inputIds: joined('inputIds'),
    segmentIds: joined('segmentIds'),
    positions: joined('positions'),
    labels: joined('labels'),
    rows: Array.from({ length: total('batchSize') }, (_, i) => i),
    tokens: total('tokens'),
    targets: total('targets'),
  };
}

const inputsOf = ({ inputIds, segmentIds, positions, labels }: Batch) => ({
  input_ids: inputIds,
  segment_ids: segmentIds,
  positions,
  labels,
});

/** Loss and gradients of a batch that is taken in passes of so many rows each. */
async function learnFrom(config: Record<string, unknown>, batch: Batch, rowsPerPass: number) {
  const model = await buildModel(config);
  const engine = await openEngine();
  const session = engine.session({ device: 'cpu', threads: 2 });
  setFormulaWeights(model, session);
  const trainable = model.parameters();
  const { micro } = buildStep({
    model,
    adapter: null,
    objective: languageModel({ auxLossWeight: 0 }),
    trainable,
    batch: rowsPerPass,
    length,
    accumulation: 2, // more than one: gradients are then states that can be read
    optimizer: adamW({ beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0 }),
    maxGradNorm: null,
    threads: 2,
    dtype: 'fp32',
  });
  for (const { name, shape } of trainable) session.setState(gradientName(name), 'f32', shape, null);
  const pass = session.load(micro!);
  let loss = 0;
  for (let row = 0; row < batch.batchSize; row += rowsPerPass) {
    const part = sliceBatch(batch, row, row + rowsPerPass);
    const outputs = await pass.runWith({ ...inputsOf(part), loss_scale: Float32Array.of(1 / batch.targets) });
    loss += outputs.loss![0]!;
  }
  const gradients = new Map(
    trainable.map(({ name }) => [
      name,
      Float32Array.from(session.getState(gradientName(name)).data as Float32Array),
    ]),
  );
  session.close();
  return { loss, gradients };
}

/** Loss of each target by the id of its input token. */
async function lossPerToken(config: Record<string, unknown>, batch: Batch): Promise<Map<number, number>> {
  const model = await buildModel(config);
  const engine = await openEngine();
  const session = engine.session({ device: 'cpu', threads: 2 });
  setFormulaWeights(model, session);
  const graph = new Graph();
  const output = model.forward(batchInputs(graph, batch.batchSize, length));
  const labels = graph.input('labels', 'i32', [batch.batchSize, length]);
  graph.output('loss', lmLoss(output, labels).perToken);
  const { loss } = await session.load(compile(graph, { threads: 2 })).run(inputsOf(batch));
  session.close();
  const entries = [...batch.inputIds].flatMap((id, t) =>
    batch.labels[t]! >= 0 ? [[id, loss![t]!] as const] : [],
  );
  return new Map(entries);
}

// sums of about fifty terms in fp32, in another order
const rounding = 2e-6;

function expectSameGradients(a: Map<string, Float32Array>, b: Map<string, Float32Array>): void {
  for (const [name, gradient] of a) {
    const size = Math.max(
      1,
      gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 0),
    );
    expect(largestDifference(gradient, b.get(name)!) / size, name).to.be.below(rounding);
  }
  const norm = [...a.values()].reduce(
    (sum, each) => sum + each.reduce((s, value) => s + value * value, 0),
    0,
  );
  expect(norm).to.be.above(1e-3);
}

for (const [name, config] of Object.entries(configs)) {
  describe(`loss and gradients of ${name}`, () => {
    const [packed, alone] = [batchOf(true), batchOf(false)];

    it('are those of the documents alone when these are packed: token by token, and in every weight', async () => {
      expect([packed.batchSize, alone.batchSize]).to.deep.equal([4, 7]);
      const [a, b] = [await lossPerToken(config, packed), await lossPerToken(config, alone)];
      expect([...a.keys()].sort()).to.deep.equal([...b.keys()].sort());
      expect(a.size).to.equal(packed.targets);
      for (const [id, loss] of a) expect(loss, `token ${id}`).to.be.closeTo(b.get(id)!, 1e-5);
      const [one, other] = [await learnFrom(config, packed, 4), await learnFrom(config, alone, 7)];
      expect(one.loss).to.be.closeTo(other.loss, 1e-6);
      expectSameGradients(one.gradients, other.gradients);
    });

    it('are the same for every split of a batch, whose rows have 2 to 13 targets: the sum over them, divided once', async () => {
      const whole = await learnFrom(config, withOneMore(alone), 8);
      const perToken = [...(await lossPerToken(config, alone)).values()];
      const sum = perToken.reduce((total, loss) => total + loss, 0);
      expect(whole.loss).to.be.closeTo(sum / perToken.length, 1e-6);
      for (const rows of [1, 2, 4]) {
        const cut = await learnFrom(config, withOneMore(alone), rows);
        expect(cut.loss, `${rows} rows a pass`).to.be.closeTo(whole.loss, 1e-6);
        expectSameGradients(whole.gradients, cut.gradients);
      }
    });
  });
}

/** With a row of padding, which makes eight: a pass of it alone has no target. */
function withOneMore(batch: Batch): Batch {
  const grown = (values: Int32Array, filler: number) =>
    Int32Array.from({ length: values.length + length }, (_, t) => values[t] ?? filler);
  return {
    ...batch,
    batchSize: batch.batchSize + 1,
    inputIds: grown(batch.inputIds, 0),
    segmentIds: grown(batch.segmentIds, 0),
    positions: grown(batch.positions, 0),
    labels: grown(batch.labels, -100),
    rows: [...batch.rows, -1],
  };
}
