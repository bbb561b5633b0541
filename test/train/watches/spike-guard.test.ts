import { join } from 'node:path';
import { expect } from 'chai';
import { SluiceError } from '../../../src/errors.js';
import { SpikeGuard, type SpikeGuardKeys } from '../../../src/train/watches/spike-guard.js';
import { batchOf, trainTiny } from '../tiny-run.js';

const keys: SpikeGuardKeys = { mode: 'warn', window: 5, loss_deviations: 10, grad_norm_ratio: 20 };
const data = { describe: (rows: number[]) => `rows ${rows}` } as never;

function watch(changes: Partial<SpikeGuardKeys> = {}) {
  const told: string[] = [];
  const host = { log: (_: string, text: string) => told.push(text), addFact: () => {} };
  const guard = new SpikeGuard({ ...keys, ...changes }, { data, seed: 7 }, host);
  let step = 0;
  const see = (loss: number, grad_norm = 1) => {
    step += 1;
    const batch = batchOf(1, 0, 2);
    guard.afterStep({ step, batch, values: { loss, grad_norm }, lastCheckpoint: 'checkpoints/step_4' });
  };
  return { guard, told, see };
}

describe('the spike guard', () => {
  it('tells a loss far above the last ones, once for as long as it lasts, with rows', () => {
    const { told, see } = watch();
    for (const loss of [4, 3.9, 4.1, 4, 3.8, 3.9]) see(loss);
    expect(told).to.deep.equal([]);
    for (const loss of [9, 9]) see(loss);
    expect(told).to.deep.equal([
      'after step 7: the loss is 9.0000, 51.0 deviations above the 3.9000 of the last 5 steps; batch of step 6, seed 7: rows 0,1',
    ]);
  });

  it('tells a gradient norm many times the usual, and can leave either out', () => {
    const { told, see } = watch();
    for (let i = 0; i < 5; i += 1) see(4, 0.5);
    see(4, 11);
    expect(told[0]).to.match(/^after step 6: the gradient norm is 11\.000, 22\.0 times the 0\.50000 of/);
    const deaf = watch({ grad_norm_ratio: null, loss_deviations: null });
    for (let i = 0; i < 5; i += 1) deaf.see(4, 0.5);
    deaf.see(400, 1100);
    expect(deaf.told).to.deep.equal([]);
  });

  it('is patient with a loss that hardly moves, with one that falls, and before its window is full', () => {
    const { told, see } = watch();
    for (const loss of [1, 9, 4, 4, 4, 4, 4, 4, 4, 4.3, 2, 1, 0.5, 0.1, 0.01]) see(loss);
    expect(told).to.deep.equal([]);
  });

  it('goes on from what a checkpoint holds as if it had seen all', () => {
    const [first, second] = [watch(), watch()];
    for (const loss of [4, 3.9, 4.1, 4, 3.8]) first.see(loss);
    second.guard.restore(JSON.parse(JSON.stringify(first.guard.state())));
    second.see(9);
    expect(second.told).to.have.length(1);
  });
});

describe('a run with a spike guard', () => {
  it('stops with the rows of the batch and the last good checkpoint', async () => {
    const spike_guard = {
      mode: 'stop' as const,
      window: 4,
      loss_deviations: null,
      grad_norm_ratio: 1.000001,
    };
    const training = { max_steps: 40, save_every: 1, spike_guard };
    const error = (await trainTiny(training).catch((caught: unknown) => caught)) as SluiceError;
    expect(error).to.be.instanceOf(SluiceError).with.property('code', 'train.loss_spike');
    const step = Number(/^after step (\d+): the gradient norm is/.exec(error.message)![1]);
    expect(error.where).to.equal(`batch of step ${step - 1}, seed 3: rows 0,1,2,3`);
    expect(error.hint)
      .to.contain(`the last good checkpoint is `)
      .and.to.contain(join('checkpoints', `step_${step - 1}: extend=`));
  });
});
