import { cpSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { SafetensorsFile } from '../../src/checkpoint/index.js';
import { openInstructions } from '../../src/data/index.js';
import { openEngine, type Session } from '../../src/engine/index.js';
import { SluiceError } from '../../src/errors.js';
import { buildModel, collectWeights, initializeWeights, saveModelFolder } from '../../src/models/index.js';
import {
  type GateConfig,
  keepBest,
  loadRouterWeights,
  loadSelector,
  openSelector,
  readRouterInfo,
  saveRouterWeights,
  scoreSamples,
  writeSelection,
} from '../../src/select/index.js';
import { Tokenizer } from '../../src/text/index.js';
import { makeTinyPool } from './tiny-pool.js';

const gates: GateConfig = {
  quality_gate_init_mean: 0,
  quality_gate_init_std: 0.5,
  trash_expert_mode: 'zero',
};

describe('selection by a router', () => {
  let session: Session;
  let folder: string;
  let rows: string;

  before(async () => {
    const engine = await openEngine();
    session = engine.session({ device: 'cpu', threads: 2 });
    ({ folder, rows } = await makeTinyPool(engine, session));
  });

  async function score(batchSize: number, pack: boolean) {
    const model = await openSelector(folder, gates);
    await loadSelector(model, folder, session, { seed: 5, threads: 2 });
    const dataset = await openInstructions(
      { dataPath: rows, maxSequenceLength: 64, pack, dropWithoutTargets: false },
      Tokenizer.open(folder),
    );
    const signal = new AbortController().signal;
    const scores = await scoreSamples(model, session, dataset, {
      adapter: null,
      batchSize,
      threads: 2,
      seed: 5,
      signal,
      onProgress: () => {},
    });
    return { model, dataset, scores };
  }

  it('gives a row the same score alone, packed with others, and in any batch', async () => {
    const alone = await score(1, false);
    expect(new Set(alone.scores.score).size, 'rows differ').to.be.above(10);
    for (const batchSize of [1, 3]) {
      const packed = await score(batchSize, true);
      for (const [i, value] of alone.scores.score.entries()) {
        expect(packed.scores.score[i]).to.be.closeTo(value, 1e-6);
      }
      for (const [i, value] of alone.scores.moeLogits.entries()) {
        expect(packed.scores.moeLogits[i]).to.be.closeTo(value, 1e-4);
      }
    }
  });

  it('writes the best first, and router data from which the choice can be made again', async () => {
    const { dataset, scores } = await score(2, true);
    const kept = keepBest(scores.score, 0.4);
    const out = mkdtempSync(join(tmpdir(), 'sluice-selected-'));
    writeSelection(out, { samples: dataset.samples, scores, kept, random: [0, 1], truth: null });
    const file = new SafetensorsFile(join(out, 'router_data', 'router_data.safetensors'));
    expect(file.entry('moe_logits').shape).to.deep.equal([13, 2, 4]);
    const layers = file.readF32('quality_score');
    file.close();
    const means = dataset.samples.map((_, i) => (layers[2 * i]! + layers[2 * i + 1]!) / 2);
    expect(keepBest(means, 0.4)).to.deep.equal(kept);
  });

  it('keeps router weights with the fingerprint of their model, and refuses another', async () => {
    const { model } = await score(1, true);
    const trained = model.parameters().filter(({ name }) => /quality_gate|\.gate\.weight$/.test(name));
    const path = join(folder, '..', 'full_rank_weights.safetensors');
    saveRouterWeights(path, collectWeights(trained, session), folder, { gates, adapter: null });
    expect(readRouterInfo(path, folder)).to.deep.equal({ gates, adapter: null });
    for (const { name, shape } of trained) session.setState(name, 'f32', shape, null);
    const [first] = trained;
    loadRouterWeights(path, model, session);
    expect(Math.max(...(session.getState(first!.name).data as Float32Array))).to.be.above(0);

    const other = join(folder, '..', 'other');
    cpSync(folder, other, { recursive: true });
    const base = await buildModel({ ...model.config, model_type: 'olmoe' });
    await initializeWeights(base.parameters(), session, { seed: 2, threads: 2 });
    saveModelFolder(base, session, other);
    expect(() => readRouterInfo(path, other))
      .to.throw(SluiceError, /was trained on a model with sha256/)
      .with.property('code', 'checkpoint.other_model');
  });

  it('refuses a model without experts', async () => {
    const dense = mkdtempSync(join(tmpdir(), 'sluice-dense-'));
    writeFileSync(
      join(dense, 'config.json'),
      JSON.stringify({
        ...{ model_type: 'llama', vocab_size: 9, hidden_size: 8, intermediate_size: 8, num_hidden_layers: 1 },
        num_attention_heads: 2,
      }),
    );
    const error = await openSelector(dense, gates).catch((caught: unknown) => caught);
    expect(error).to.be.instanceOf(SluiceError).with.property('code', 'model.not_moe');
  });
});
