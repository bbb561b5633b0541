import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { SluiceError } from '../../src/errors.js';
import { checkMemory, freeMemory, memoryBudget } from '../../src/train/memory.js';
import { trainTiny } from './tiny-run.js';

const gib = 2 ** 30;

describe('the memory check', () => {
  const plan = { programs: [], state_bytes: 2 * gib, arena_bytes: 6 * gib, planned_bytes: 8 * gib };

  it('lets a run through that fits, without looking for others', () =>
    expect(() => checkMemory(plan, 8 * gib, () => expect.fail('asked'))).not.to.throw());

  it('names the settings that would fit and what they need', () => {
    const fitting = [
      { setting: 'training.recompute=auto', plannedBytes: 5 * gib },
      { setting: 'rows of 64 tokens', plannedBytes: 4 * gib },
    ];
    expect(() => checkMemory(plan, 6 * gib, () => fitting))
      .to.throw(
        SluiceError,
        'the run needs 8.00 GiB (weights and moments 2.00 GiB, intermediates 6.00 GiB), and 6.00 GiB may be used',
      )
      .with.property(
        'hint',
        'any of these fits: training.recompute=auto (5.00 GiB); rows of 64 tokens (4.00 GiB)',
      );
  });

  it('says so when nothing fits', () => {
    expect(() => checkMemory(plan, 2 * gib, () => []))
      .to.throw(SluiceError)
      .with.property('hint')
      .that.contains('no batch size or length fits');
  });

  it('takes what is free, less a little, unless a budget is given', () => {
    expect(memoryBudget(5 * gib, null, 8 * gib)).to.equal(5 * gib);
    expect(memoryBudget(null, null, 8 * gib)).to.equal(Math.floor(7.6 * gib));
  });

  it('asks the device of a plan, and says so where it is the host that was asked', async () => {
    expect(await freeMemory('cpu', 5 * gib)).to.deep.equal({ budget: 5 * gib, of: 'memory_budget' });
    expect((await freeMemory('auto', null)).of).to.equal('cpu');
    // the emulator's memory is made up: 1 GiB
    const emulated = await freeMemory('emulator:ascending', null);
    expect(emulated).to.deep.equal({ budget: Math.floor(0.95 * gib), of: 'emulator:ascending' });
    expect((await freeMemory('cuda:99', null)).of).to.match(/^the host, for cuda:99 does not open: ./);
  });
});

describe('a training run', () => {
  it('that does not fit is refused before its first step with settings that do fit', async () => {
    const { folder } = await trainTiny({ max_steps: 1 });
    const { planned_bytes } = JSON.parse(readFileSync(join(folder, 'plan.json'), 'utf8'));
    const memory_budget = planned_bytes - 20_000;
    const failed = await trainTiny({ max_steps: 1, memory_budget }).catch((caught: unknown) => caught);
    expect(failed).to.be.instanceOf(SluiceError).with.property('code', 'engine.memory');
    const hint = String((failed as SluiceError).hint);
    for (const setting of ['recompute=auto', 'dtype=bf16', 'optimizer.state_dtype=bf16'])
      expect(hint).to.contain(`training.${setting} (`);
    const rows = Number(/per_device_batch_size=(\d)/.exec(hint)![1]);
    const { events } = await trainTiny({ max_steps: 1, memory_budget, per_device_batch_size: rows });
    expect(events).not.to.be.empty;
  });
});
