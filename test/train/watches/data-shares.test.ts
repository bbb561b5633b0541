import { expect } from 'chai';
import { datasetOf } from '../../../src/data/batch.js';
import { mixtureOf } from '../../../src/data/index.js';
import type { BatchSource } from '../../../src/train/index.js';
import { trainingData } from '../../../src/train/index.js';
import { DataShares } from '../../../src/train/watches/data-shares.js';

/** Rows of eight positions, `full` of them tokens. */
const rowsOf = (rows: number, full: number) =>
  datasetOf({
    rows,
    length: 8,
    tokens: rows * full,
    padId: 0,
    fill(_, batch, offset) {
      batch.segmentIds.fill(1, offset, offset + full);
    },
    describe: (chosen) => `rows ${chosen}`,
    close: () => {},
  });

describe('the shares of a mixture that a run has seen', () => {
  const sources = [
    { name: 'web', data: rowsOf(10, 8), rate: 3 },
    { name: 'code', data: rowsOf(5, 4), rate: 1 },
  ];
  const watch = (data: BatchSource, steps: number) => {
    const facts: Record<string, unknown> = {};
    const shares = new DataShares(data, data.sources!, {
      log: () => {},
      addFact: (key, value) => {
        facts[key] = value;
      },
    });
    for (let step = 0; step < steps; step += 1)
      shares.afterStep({ step: step + 1, batch: data.batch(1, step, 4), values: {}, lastCheckpoint: null });
    return { shares, facts };
  };

  it('are of tokens, not rows, and come with the epochs of each source', () => {
    const { shares, facts } = watch({ ...mixtureOf(sources), lengths: [8] }, 10);
    expect(shares.figures()).to.deep.equal({ 'data/web': 240 / 280, 'data/code': 40 / 280 });
    shares.finish();
    expect(facts.data_seen).to.deep.equal({
      web: { tokens: 240, share: 240 / 280, epochs: 3 },
      code: { tokens: 40, share: 40 / 280, epochs: 2 },
    });
  });

  it('count rows that are cut shorter in parts, and go on from a checkpoint', () => {
    const phases = [{ until: null, max_sequence_length: 4 }];
    const length = { batch_size: 4, epochs: 1, max_tokens: null, max_steps: 10 };
    const { shares, facts } = watch(trainingData(sources, phases, length), 10);
    shares.restore(JSON.parse(JSON.stringify(shares.state())));
    shares.finish();
    expect(facts.data_seen).to.have.nested.property('web.epochs', 3);
    expect(facts.data_seen).to.have.nested.property('code.tokens', 40);
  });
});
