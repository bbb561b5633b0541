import { expect } from 'chai';
import { estimate, exactMatch, perplexity, rollingWindows } from '../../src/evaluate/index.js';

describe('rollingWindows', () => {
  const rows: { name: string; ids: number[]; length: number; windows: number[][] }[] = [
    { name: 'starts after the prefix', ids: [1, 2, 3], length: 8, windows: [[9, 1, 2, 3]] },
    {
      name: 'shares one token of context',
      ids: [1, 2, 3, 4, 5],
      length: 3,
      windows: [
        [9, 1, 2],
        [2, 3, 4],
        [4, 5],
      ],
    },
    {
      name: 'ends without an empty window',
      ids: [1, 2, 3, 4],
      length: 3,
      windows: [
        [9, 1, 2],
        [2, 3, 4],
      ],
    },
    { name: 'has none for an empty text', ids: [], length: 3, windows: [] },
  ];
  for (const { name, ids, length, windows } of rows) {
    it(name, () => {
      const made = rollingWindows(ids, 9, length).map((window) => window.ids);
      expect(made).to.deep.equal(windows);
      expect(
        made.flatMap((window) => window.slice(1)),
        'every token is scored once',
      ).to.deep.equal(ids);
    });
  }
});

describe('metrics', () => {
  it('perplexity is exp of the mean loss', () => expect(perplexity(6, 3)).to.be.closeTo(Math.exp(2), 1e-12));
  it('exact match forgives blanks at the ends only', () => {
    expect(exactMatch(' Lincoln\n', 'Lincoln')).to.equal(1);
    expect(exactMatch('Lincoln.', 'Lincoln')).to.equal(0);
    expect(exactMatch('lincoln', 'Lincoln')).to.equal(0);
  });
  it('the standard error divides by n-1', () => {
    // numpy: [1,0,0,1].std(ddof=1) / sqrt(4)
    expect(estimate([[1, 0, 0, 1]])).to.deep.equal({ mean: 0.5, stderr: Math.sqrt(1 / 3 / 4) });
    expect(estimate([[1]])).to.deep.equal({ mean: 1, stderr: 0 });
  });
});
