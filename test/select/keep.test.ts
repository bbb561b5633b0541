import { expect } from 'chai';
import { SluiceError } from '../../src/errors.js';
import { keepBest } from '../../src/select/keep.js';

describe('keepBest', () => {
  const rows = [
    { name: 'keeps the highest, best first', scores: [0.1, 0.9, 0.5, 0.7], share: 0.5, kept: [1, 3] },
    { name: 'rounds the number of rows down', scores: [1, 2, 3, 4, 5], share: 0.5, kept: [4, 3] },
    { name: 'prefers the earlier row among equals', scores: [1, 1, 1, 1], share: 0.75, kept: [0, 1, 2] },
    { name: 'keeps all of them at 1', scores: [2, 3], share: 1, kept: [1, 0] },
  ];
  for (const { name, scores, share, kept } of rows) {
    it(name, () => expect(keepBest(scores, share)).to.deep.equal(kept));
  }

  for (const share of [0, -0.1, 2, Number.NaN]) {
    it(`refuses a share of ${share}`, () =>
      expect(() => keepBest([1, 2], share)).to.throw(
        SluiceError,
        `selection_percentage=${share} must be over 0`,
      ));
  }

  it('refuses a share that keeps nothing and says what would', () => {
    expect(() => keepBest([1, 2, 3, 4], 0.2))
      .to.throw(SluiceError, 'of 4 rows keeps none')
      .with.property('hint', 'use at least 0.250, or a larger pool');
  });
});
