import { expect } from 'chai';
import { bleu, chrf, ter } from '../../src/evaluate/index.js';

// Scores that sacrebleu 2.6 gives for these pairs.
const references = [
  ['the cat is on the mat', 'Prices rose 3.5 % (again)'],
  ['there is a cat on the mat', 'Prices went up'],
];
const hypotheses = ['the the cat on mat', 'Prices rose again, 3.5 %'];

describe('text metrics', () => {
  it('give 100, 100 and 0 for equal texts', () => {
    const texts = ['a b c d e', 'one two three four five'];
    expect(bleu(texts, [texts]).score).to.be.closeTo(100, 1e-9);
    expect(chrf(texts, [texts])).to.be.closeTo(100, 1e-9);
    expect(ter(texts, [texts])).to.equal(0);
  });

  for (const [name, got, expected] of [
    ['bleu', () => bleu(hypotheses, references).score, 16.250025928466847],
    [
      'bleu intl',
      () => bleu(hypotheses, references, { tokenize: 'intl', smooth: 'floor' }).score,
      8.642244622061492,
    ],
    ['chrF', () => chrf(hypotheses, references), 53.67802439548589],
    ['chrF++', () => chrf(hypotheses, references, { wordOrder: 2 }), 53.61909568099974],
    ['TER', () => ter(hypotheses, references), 38.095238095238095],
    [
      'TER, normalized',
      () => ter(hypotheses, references, { normalized: true, noPunctuation: true }),
      28.57142857142857,
    ],
  ] as const) {
    it(`${name} is the reference's`, () => expect(got()).to.be.closeTo(expected, 1e-8));
  }

  it('BLEU counts an n-gram at most as often as one reference has it', () => {
    const { counts, totals } = bleu(['the the the the'], [['the cat'], ['the mat the']]);
    expect(counts).to.deep.equal([2, 0, 0, 0]);
    expect(totals).to.deep.equal([4, 3, 2, 1]);
  });

  it('BLEU takes the shorter of two references as near in length', () => {
    expect(bleu(['a b c'], [['a b c d'], ['a b']]).refLength).to.equal(2);
  });

  it('BLEU of nothing in common is 0, whatever the smoothing', () => {
    for (const smooth of ['exp', 'floor', 'add-k', 'none'] as const)
      expect(bleu(['x y'], [['a b']], { smooth }).score).to.equal(0);
  });

  it('TER counts a moved group of words as one edit', () => {
    expect(ter(['c d e a b'], [['a b c d e']])).to.equal(20);
  });

  it('TER of words against an empty reference is 100, of nothing 0', () => {
    expect(ter(['a'], [['']])).to.equal(100);
    expect(ter([''], [['']])).to.equal(0);
  });

  it('a hypothesis may have fewer references than others', () => {
    expect(
      bleu(
        ['a b c d', 'e f g h'],
        [
          ['a b c d', 'x'],
          [null, 'e f g h'],
        ],
      ).score,
    ).to.be.closeTo(100, 1e-9);
  });
});
