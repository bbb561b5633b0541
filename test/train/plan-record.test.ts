import { expect } from 'chai';
import { SluiceError } from '../../src/errors.js';
import { checkMemory } from '../../src/train/plan-record.js';

describe('the memory check', () => {
  const gib = 2 ** 30;
  const plan = { programs: [], state_bytes: 2 * gib, arena_bytes: 6 * gib, planned_bytes: 8 * gib };

  it('lets a run through that fits', () => expect(() => checkMemory(plan, 8, 8 * gib)).not.to.throw());

  it('names the batch size that would fit', () => {
    expect(() => checkMemory(plan, 8, 6 * gib))
      .to.throw(
        SluiceError,
        'the run needs 8.00 GiB (weights and moments 2.00 GiB, intermediates 6.00 GiB), and 6.00 GiB are free',
      )
      .with.property('hint', 'training.per_device_batch_size=5 would fit');
  });

  it('says so when no batch size fits', () => {
    expect(() => checkMemory(plan, 8, 2 * gib))
      .to.throw(SluiceError)
      .with.property('hint')
      .that.contains('no batch size fits');
  });
});
