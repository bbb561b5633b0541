import { expect } from 'chai';
import { heldOut } from '../../src/train/held-out.js';
import { countingRows, trainTiny } from './tiny-run.js';

// seven rows with 7, 8, 9 … targets each
const rows = countingRows(7);

describe('figures of held-out rows', () => {
  it('do not depend on how many rows a pass takes, and change no state', async () => {
    const { run, session } = await trainTiny({ max_steps: 3 });
    const before = session.states().map(({ name }) => [name, session.getState(name).data]);
    const figures = [];
    for (const batchSize of [1, 2, 7])
      figures.push(await heldOut(run, session, rows, { batchSize, batches: 9, threads: 2 })());
    expect(figures[0]).to.have.all.keys('validation/loss', 'validation/accuracy');
    for (const other of figures.slice(1)) {
      expect(other['validation/loss']).to.be.closeTo(figures[0]!['validation/loss']!, 1e-5);
      expect(other['validation/accuracy']).to.be.closeTo(figures[0]!['validation/accuracy']!, 1e-6);
    }
    expect(session.states().map(({ name }) => [name, session.getState(name).data])).to.deep.equal(before);
  });

  it('are of the first batches only where there is a limit', async () => {
    const { run, session } = await trainTiny({ max_steps: 1 });
    const options = { batchSize: 2, threads: 2 };
    const [some, all] = [
      await heldOut(run, session, rows, { ...options, batches: 1 })(),
      await heldOut(run, session, rows, { ...options, batches: 4 })(),
    ];
    expect(some['validation/loss']).not.to.be.closeTo(all['validation/loss']!, 1e-4);
  });

  it('are made without dropout', async () => {
    const { run, session } = await trainTiny({ max_steps: 3 }, { loraDropout: 0.9 });
    const evaluate = heldOut(run, session, rows, { batchSize: 7, batches: 1, threads: 2 });
    const plain = { ...run, adapter: null };
    expect(await evaluate()).to.deep.equal(await evaluate());
    const without = await heldOut(plain, session, rows, { batchSize: 7, batches: 1, threads: 2 })();
    expect(without['validation/loss']).not.to.equal((await evaluate())['validation/loss']);
  });
});
