import { join } from 'node:path';
import { expect } from 'chai';
import { datasetOf } from '../../src/data/batch.js';
import type { Dataset } from '../../src/data/index.js';
import { SluiceError } from '../../src/errors.js';
import type { TelemetryEvent } from '../../src/telemetry/event.js';
import { type PhaseKeys, trainingData } from '../../src/train/index.js';
import { countingRows, tinyTraining, trainTiny } from './tiny-run.js';

const rowsOf = (rows: number): Dataset =>
  datasetOf({
    rows,
    length: 16,
    tokens: 16 * rows,
    padId: 0,
    fill(row, batch, offset) {
      for (let t = 0; t < 16; t += 1) batch.positions[offset + t] = t;
      batch.inputIds.fill(row, offset, offset + 16);
      batch.segmentIds.fill(1, offset, offset + 16);
    },
    describe: (chosen) => `rows ${chosen}`,
    close: () => {},
  });

const sources = [
  { name: 'web', data: rowsOf(60), rate: 3 },
  { name: 'code', data: rowsOf(40), rate: 1 },
];
const length = { batch_size: 4, epochs: 1, max_tokens: null, max_steps: null }; // 25 steps

describe('what a run reads', () => {
  it('are the rows of its one dataset, in the order they have without a mixture', () => {
    const alone = trainingData([sources[0]!], null, length);
    expect(alone.batch(5, 3, 4)).to.deep.equal(sources[0]!.data.batch(5, 3, 4));
  });

  it('follows its phases: rates of the mixture, and as many tokens in shorter rows', () => {
    const phases: PhaseKeys[] = [
      { until: 0.2, max_sequence_length: 8 },
      { until: 10, rates: { code: 1 } },
      { until: null, rates: { web: 1, code: 1 } },
    ];
    const data = trainingData(sources, phases, length);
    expect([...data.lengths].sort((a, b) => a - b)).to.deep.equal([8, 16]);
    const seen = Array.from({ length: 25 }, (_, step) => {
      const batch = data.batch(1, step, 4);
      expect(batch.tokens).to.equal(64);
      const code = batch.rows.filter((row) => data.sourceOf!(row) === 'code').length;
      return `${batch.batchSize}x${batch.length} ${code / batch.rows.length}`;
    });
    expect(seen.slice(0, 5)).to.deep.equal(Array(5).fill('8x8 0.25'));
    expect(seen.slice(5, 10)).to.deep.equal(Array(5).fill('4x16 1'));
    expect(seen.slice(10)).to.deep.equal(Array(15).fill('4x16 0.5'));
  });

  const wrong: [about: string, phases: PhaseKeys[], message: string][] = [
    [
      'a last phase with an end',
      [{ until: 5 }],
      'dataset.phases[0].until=5 must be null, as the last phase runs to the end',
    ],
    [
      'a phase that ends before it begins',
      [{ until: 0.5 }, { until: 12 }, { until: null }],
      'dataset.phases[1].until=12 must be after step 13, where the phase begins (of 25 steps)',
    ],
    [
      'a phase after the one that runs to the end',
      [{ until: null }, { until: null }],
      'dataset.phases[0].until=null must be after step 0, where the phase begins (of 25 steps)',
    ],
    [
      'a source that is not there',
      [{ until: null, rates: { books: 1 } }],
      'dataset.phases[0].rates names books, which dataset.mixture does not have',
    ],
    ['no rate', [{ until: null, rates: { web: 0 } }], 'dataset.phases[0].rates needs a rate above 0'],
    [
      'an uneven cut',
      [{ until: null, max_sequence_length: 12 }],
      'dataset.phases[0].max_sequence_length=12 must divide the 16 tokens of a row',
    ],
  ];
  for (const [about, phases, message] of wrong) {
    it(`is refused with ${about}`, () => {
      expect(() => trainingData(sources, phases, length))
        .to.throw(SluiceError, message)
        .with.property('code', 'config.phases');
    });
  }
});

describe('a run on a mixture in phases', () => {
  it('resumes bit for bit, shares of its sources and changes of length included', async () => {
    const parts = [
      { name: 'web', data: countingRows(9), rate: 3 },
      { name: 'code', data: countingRows(5, 40), rate: 1 },
    ];
    const phases = [
      { until: 4, max_sequence_length: 6 },
      { until: null, rates: { web: 1, code: 1 } },
    ];
    const training = { max_steps: 9, per_device_batch_size: 2, save_every: 3, log_every: 2, keep_last: null };
    const data = trainingData(parts, phases, { ...tinyTraining, ...training });
    const whole = await trainTiny(training, { data });
    expect(whole.facts.data_seen).to.have.nested.property('web.epochs').that.is.above(2);
    for (const step of [3, 6]) {
      const resumeFrom = join(whole.folder, 'checkpoints', `step_${step}`);
      const rest = await trainTiny(training, { data, resumeFrom });
      expect(rest.weights).to.deep.equal(whole.weights);
      expect(rest.facts.data_seen).to.deep.equal(whole.facts.data_seen);
      expect(sharesOf(rest.events)).to.deep.equal(sharesOf(whole.events));
    }
  });
});

const sharesOf = (events: readonly TelemetryEvent[]) =>
  events.flatMap((event) => (event.type === 'metrics' ? [event.values['data/web']] : []));
