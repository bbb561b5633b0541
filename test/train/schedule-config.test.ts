import { expect } from 'chai';
import { checkSchema, compose, loadSchema } from '../../src/config/index.js';
import { learningRateAt } from '../../src/train/schedule.js';
import { type ScheduleKeys, scheduleOf } from '../../src/train/schedule-config.js';

/** Shares of the peak at steps 0, 50 and 90 of 100, as configs/schedule/<name>.yaml has it. */
const shipped: [name: string, overrides: string[], shares: number[]][] = [
  ['constant', [], [1, 1, 1]],
  ['constant_with_warmup', [], [0, 1, 1]],
  ['linear', [], [0, 50 / 97, 10 / 97]],
  ['cosine', ['training.schedule.warmup_ratio=0', 'training.schedule.min_ratio=0'], [1, 0.5, 0.024]],
  ['cosine_with_min_lr', ['training.schedule.warmup_steps=10'], [0, 0.1 + 0.9 * 0.5868, 0.1 + 0.9 * 0.0302]],
  ['cosine_with_restarts', ['training.schedule.warmup_ratio=0'], [1, 1, 0.186]],
  ['polynomial', ['training.schedule.warmup_ratio=0'], [1, 0.25, 0.01]],
  ['inverse_sqrt', ['training.schedule.timescale=45'], [0, Math.SQRT1_2, Math.sqrt(45 / 130)]],
  ['warmup_stable_decay', ['training.schedule.decay_type=linear'], [0.1, 1, 0.55]],
  [
    'warmup_stable_decay',
    ['training.schedule.decay_type=linear', 'training.schedule.decay_steps=40'],
    [0.1, 1, 0.325],
  ],
  ['constant_with_warmup', ['training.schedule.warmup_steps=80'], [0, 50 / 80, 1]],
];

describe('the schedules of configs/schedule', () => {
  for (const [name, overrides, shares] of shipped) {
    it(`reach ${name}, which the schema accepts: ${overrides}`, async () => {
      const composed = compose({
        configDirs: ['configs'],
        configName: 'pretrain',
        overrides: [`schedule@training.schedule=${name}`, ...overrides],
        resolvers: new Map([['run', () => 'made']]),
      });
      const keys = composed.value('training.schedule') as unknown as ScheduleKeys;
      expect(await checkSchema(keys, loadSchema('configs/schedule.schema.json'))).to.deep.equal([]);
      const options = scheduleOf(keys, 2, 100);
      [0, 50, 90].forEach((step, i) => {
        expect(learningRateAt(step, options) / 2).to.be.closeTo(shares[i]!, 1e-3);
      });
    });
  }
});
