import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { TrainingConfig } from '../../src/train/index.js';
import { trainTiny } from './tiny-run.js';

describe('recomputation in training', () => {
  const short = { max_steps: 3 };
  const kinds: [string, Partial<TrainingConfig>, { loraDropout?: number }][] = [
    ['all weights', {}, {}],
    ['micro-batches', { per_device_batch_size: 2 }, {}],
    ['no clipping, where weights are updated during the backward pass', { max_grad_norm: null }, {}],
    ['bf16', { dtype: 'bf16' }, {}],
    ['adapters with dropout', {}, { loraDropout: 0.3 }],
  ];
  for (const [name, training, options] of kinds) {
    it(`changes no bit of what is learnt: ${name}`, async () => {
      const held = await trainTiny({ ...short, ...training }, options);
      const heldPlan = planOf(held.folder);
      expect(heldPlan.recomputed).to.equal(0);
      const full = await trainTiny({ ...short, ...training, recompute: 'full' }, options);
      const least = planOf(full.folder);
      expect(least.recomputed).to.be.above(0);
      const memory_budget = Math.ceil((heldPlan.planned + least.planned) / 2);
      const auto = await trainTiny({ ...short, ...training, recompute: 'auto' }, options);
      const limited = await trainTiny({ ...short, ...training, recompute: 'auto', memory_budget }, options);
      expect(planOf(limited.folder).planned).to.be.at.most(memory_budget);
      expect(planOf(auto.folder).planned).to.be.below(heldPlan.planned);
      for (const [parameter, weights] of held.weights) {
        for (const { weights: others } of [full, auto, limited])
          expect(others.get(parameter), parameter).to.deep.equal(weights);
      }
    });
  }
});

function planOf(folder: string): { planned: number; recomputed: number } {
  const { planned_bytes, programs } = JSON.parse(readFileSync(join(folder, 'plan.json'), 'utf8'));
  return { planned: planned_bytes, recomputed: programs[0].recomputed_flops };
}
