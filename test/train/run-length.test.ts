import { expect } from 'chai';
import { totalSteps } from '../../src/train/run-length.js';
import { trainTiny } from './tiny-run.js';

describe('the length of a run', () => {
  // 100 rows of 200 tokens each, padding left out
  const data = { rows: 100, tokens: 20_000 };
  const keys = { batch_size: 8, epochs: 1, max_tokens: null, max_steps: null };
  const rows: [about: string, changes: Partial<typeof keys> | object, steps: number][] = [
    ['an epoch, its last step with rows of the next', {}, 13],
    ['parts of epochs', { epochs: 0.5 }, 7],
    ['at least one step', { epochs: 0.001 }, 1],
    ['a token budget in place of epochs', { max_tokens: 16_001, epochs: 9 }, 11],
    ['steps in place of both', { max_steps: 3, max_tokens: 16_001 }, 3],
  ];
  for (const [about, changes, steps] of rows) {
    it(`is ${about}: ${JSON.stringify(changes)} gives ${steps}`, () =>
      expect(totalSteps({ ...keys, ...changes }, data)).to.equal(steps));
  }

  it('is told as tokens, and tokens per weight where all weights learn', async () => {
    const { facts } = await trainTiny({ max_steps: null, max_tokens: 100 });
    expect(facts.planned_tokens).to.equal(120); // 3 steps of 4 rows of 10 tokens
    expect(facts.tokens_per_parameter).to.be.closeTo(120 / (facts.trained_parameters as number), 1e-12);
    const adapters = await trainTiny({ max_steps: 1 }, { loraDropout: 0 });
    expect(adapters.facts)
      .to.include({ planned_tokens: 40 })
      .and.not.to.have.property('tokens_per_parameter');
  });
});
