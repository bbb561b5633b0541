import { expect } from 'chai';
import { scoreAnswers } from '../../src/evaluate/index.js';

const answered = [
  { dataset: 'sums', id: '1', messages: [], answer: 'four', generated: ' four\n' },
  { dataset: 'sums', id: '2', messages: [], answer: 'six', generated: 'seven' },
  { dataset: 'words', id: '1', messages: [], answer: 'the cat sat here', generated: 'the cat sat there' },
];

describe('scores of answers', () => {
  it('count whole answers, blanks at the ends aside, all together and by dataset', () => {
    const { exactMatch, byDataset } = scoreAnswers(answered, []);
    expect(exactMatch.mean).to.be.closeTo(1 / 3, 1e-12);
    expect([...byDataset].map(([name, { mean }]) => [name, mean])).to.deep.equal([
      ['sums', 0.5],
      ['words', 0],
    ]);
  });

  it('give the text metrics that were asked for, in that order', () => {
    const { text } = scoreAnswers(answered, ['ter', 'bleu']);
    expect([...text.keys()]).to.deep.equal(['ter', 'bleu']);
    // two of six words of the answers are other words
    expect(text.get('ter')).to.be.closeTo((100 * 2) / 6, 1e-9);
  });
});
