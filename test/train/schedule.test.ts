import { expect } from 'chai';
import { learningRateAt, type ScheduleOptions } from '../../src/train/schedule.js';

describe('learningRateAt', () => {
  const base = { learningRate: 1, warmupSteps: 2, totalSteps: 10 } as const;
  // values by Transformers' formulas: step/warmup, 1 - progress, (1 + cos(pi * progress)) / 2
  const rows: { name: string; options: ScheduleOptions; at: [number, number][] }[] = [
    {
      name: 'linear warms up from 0 and decays to 0',
      options: { ...base, name: 'linear' },
      at: [
        [0, 0],
        [1, 0.5],
        [2, 1],
        [6, 0.5],
        [10, 0],
      ],
    },
    {
      name: 'cosine is at half of its way at half of its time',
      options: { ...base, name: 'cosine' },
      at: [
        [0, 0],
        [2, 1],
        [4, 0.8535533905932737],
        [6, 0.5],
        [10, 0],
      ],
    },
    {
      name: 'cosine stops at its floor',
      options: { ...base, name: 'cosine', minRatio: 0.1 },
      at: [
        [6, 0.55],
        [10, 0.1],
      ],
    },
    {
      name: 'warmup_stable_decay decays by as many waves of a cosine as asked for',
      options: { ...base, name: 'warmup_stable_decay', decaySteps: 4, decayShape: 'cosine', cycles: 1 },
      at: [
        [5, 1],
        [7, 0.5],
        [8, 0],
        [9, 0.5],
        [10, 0],
      ],
    },
    {
      name: 'constant ignores the warm-up',
      options: { ...base, name: 'constant' },
      at: [
        [0, 1],
        [9, 1],
      ],
    },
    {
      name: 'constant_with_warmup stays at the peak',
      options: { ...base, name: 'constant_with_warmup' },
      at: [
        [1, 0.5],
        [9, 1],
      ],
    },
  ];
  for (const { name, options, at } of rows) {
    it(name, () => {
      for (const [step, rate] of at) expect(learningRateAt(step, options)).to.be.closeTo(rate, 1e-15);
    });
  }
});
