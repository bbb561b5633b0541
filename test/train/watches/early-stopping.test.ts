import { join } from 'node:path';
import { expect } from 'chai';
import { SluiceError } from '../../../src/errors.js';
import { EarlyStopping, type EarlyStoppingKeys } from '../../../src/train/watches/early-stopping.js';
import { losses, trainTiny } from '../tiny-run.js';

const keys: EarlyStoppingKeys = {
  metric: 'validation/loss',
  greater_is_better: false,
  patience: 2,
  min_delta: 0,
};

/** After which of these values it stops; null: after none. */
function stopsAfter(values: number[], changes: Partial<EarlyStoppingKeys> = {}): number | null {
  const watch = new EarlyStopping({ ...keys, ...changes }, { log: () => {}, addFact: () => {} });
  const stop = values.findIndex((value, i) => watch.afterLog(i + 1, { 'validation/loss': value }) !== null);
  return stop < 0 ? null : stop + 1;
}

describe('early stopping', () => {
  const rows: [about: string, values: number[], changes: Partial<EarlyStoppingKeys>, stop: number | null][] =
    [
      ['goes on while the figure gets better', [5, 4, 3, 2], {}, null],
      ['forgives fewer misses in a row than its patience', [5, 6, 4, 6, 3, 6], {}, null],
      ['stops after as many as its patience', [5, 4, 4, 4.5, 3], {}, 4],
      [
        'takes what is better by less than min_delta as no better',
        [5, 4.95, 4.9, 4.85],
        { min_delta: 0.2 },
        3,
      ],
      ['counts from the best, so small steps add up', [5, 4.95, 4.7, 4.6], { min_delta: 0.2 }, null],
      ['can want more instead of less', [1, 2, 2, 1], { greater_is_better: true }, 4],
      ['takes what is no number as no better', [5, Number.NaN, Number.NaN], {}, 3],
    ];
  for (const [about, values, changes, stop] of rows) {
    it(about, () => expect(stopsAfter(values, changes)).to.equal(stop));
  }

  it('passes over steps at which its figure was not logged', () => {
    const watch = new EarlyStopping({ ...keys, patience: 1 }, { log: () => {}, addFact: () => {} });
    expect(watch.afterLog(1, { 'validation/loss': 3 })).to.equal(null);
    expect(watch.afterLog(2, { 'train/loss': 9 })).to.equal(null);
    expect(watch.afterLog(3, { 'validation/loss': 3 })).to.equal(
      'validation/loss was best at step 1 with 3, and no better 1 times since',
    );
  });
});

describe('a run with early stopping', () => {
  const heldOut = (step: number) => ({ 'validation/loss': [9, 5, 4, 6, 7, 3, 2, 1][step / 2]! });
  const training = { max_steps: 14, save_every: 2, keep_last: null, early_stopping: keys };
  const options = { evaluate: heldOut, evaluateEvery: 2 };

  it('ends where it says, with the state saved, the reason told and everything later untouched', async () => {
    const run = await trainTiny(training, options);
    expect(losses(run.events)).to.have.length(8);
    expect(run.facts.stopped_early).to.deep.equal({
      step: 8,
      metric: 'validation/loss',
      value: 7,
      best: { step: 4, value: 4 },
    });
    expect(run.logs).to.include(
      'info: stopped after step 8: validation/loss was best at step 4 with 4, and no better 2 times since',
    );
    const resumed = (step: number, verb: 'resume' | 'extend') =>
      trainTiny(training, {
        ...options,
        verb,
        resumeFrom: join(run.folder, 'checkpoints', `step_${step}`),
      });
    const again = await resumed(6, 'resume');
    expect(again.weights).to.deep.equal(run.weights);
    expect(again.facts.stopped_early).to.deep.equal(run.facts.stopped_early);
    const ended = await resumed(8, 'resume');
    expect(losses(ended.events)).to.deep.equal([]);
    expect(ended.weights).to.deep.equal(run.weights);
    const further = await resumed(8, 'extend');
    expect(losses(further.events)).to.have.length(6);
  });

  it('ends at the first evaluation that lacks the figure, and says which there are', async () => {
    const misspelt = { ...training, early_stopping: { ...keys, metric: 'validation/los' } };
    const error = await trainTiny(misspelt, options).catch((caught: unknown) => caught);
    expect(error).to.be.instanceOf(SluiceError).with.property('code', 'config.metric');
    const { message, hint } = error as SluiceError;
    expect(message).to.equal('training.early_stopping.metric=validation/los is no figure of this run');
    expect(hint).to.match(/^it has train\/.*, validation\/loss$/);
  });

  it('is refused where the figure is not known before the end', async () => {
    const error = await trainTiny(training, { evaluate: heldOut }).catch((caught: unknown) => caught);
    expect(error).to.be.instanceOf(SluiceError).with.property('code', 'config.early_stopping');
  });
});
