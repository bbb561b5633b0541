import { expect } from 'chai';
import { scoreAnswers } from '../../src/evaluate/index.js';

const answered = [
  { dataset: 'sums', id: '1', messages: [], answer: 'four', generated: ' four\n' },
  { dataset: 'sums', id: '2', messages: [], answer: 'six', generated: 'seven' },
  { dataset: 'words', id: '1', messages: [], answer: 'the cat sat here', generated: 'the cat sat there' },
];

describe('scores of answers', () => {
  it('count whole answers, blanks at the ends aside, all together and by dataset', () => {
    const { exactMatch, byDataset } = scoreAnswers([answered], []);
    expect(exactMatch.mean).to.be.closeTo(1 / 3, 1e-12);
    expect([...byDataset].map(([name, { mean }]) => [name, mean])).to.deep.equal([
      ['sums', 0.5],
      ['words', 0],
    ]);
  });

  it('of several runs are their mean, with the spread of the runs in the error', () => {
    const better = answered.map((each) => ({ ...each, generated: each.answer }));
    const { exactMatch, text } = scoreAnswers([answered, better], ['ter']);
    expect(exactMatch.mean).to.be.closeTo(2 / 3, 1e-12);
    // questions: means 1, 1/2, 1/2, variance 1/12, over 3; runs: 1/3 and 1, variance 2/9, over 2
    expect(exactMatch.stderr).to.be.closeTo(Math.sqrt(1 / 36 + 1 / 9), 1e-12);
    expect(text.get('ter')).to.be.closeTo((100 * 2) / 6 / 2, 1e-9);
  });

  it('give the text metrics that were asked for, in that order', () => {
    const { text } = scoreAnswers([answered], ['ter', 'bleu']);
    expect([...text.keys()]).to.deep.equal(['ter', 'bleu']);
    // two of six words of the answers are other words
    expect(text.get('ter')).to.be.closeTo((100 * 2) / 6, 1e-9);
  });
});
