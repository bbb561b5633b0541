import { expect } from 'chai';
import { loadAddon } from '../../src/engine/addon.js';
import { codePointRanges } from '../../src/text/code-point-ranges.js';
import type { TrainBpe } from '../../src/text/index.js';
import { referenceTrainBpe } from '../text/reference-bpe.js';

const TEXTS: [name: string, texts: string[]][] = [
  ['plain sentences', ['the cat sat on the mat, the cat is fat', 'that hat is the hat of the cat']],
  [
    'runs of one letter, which overlap with themselves',
    ['aaaa aaaaaaa aaa bbbbbb ababababab', 'aaaaaaaaaaa bababa'],
  ],
  ['contractions, numbers and marks', ["don't you're we'll 'tis I'm she'd 123 12 1 --- ... !? 'LL ''s"]],
  [
    'white space of all kinds',
    ['a  b   c\t\td\n\n e \u00a0f\u2003\u2003g \u0085h\u3000 ', '   ', ' x', 'y '],
  ],
  [
    'other scripts and letters outside the first plane',
    ['Привет мир, мир! 日本語 日本 é e\u0301 😀😀 ١٢٣ Ⅷ ² 𝒳𝒳 \ufeffz'],
  ],
  ['special tokens written in the text', ['<|endoftext|><|endoftext|> <|endoftext|>']],
  ['nothing', ['']],
];

describe('the native BPE trainer', () => {
  let trainBpe: TrainBpe;
  before(() => {
    trainBpe = loadAddon().trainBpe as TrainBpe;
  });
  const options = {
    vocabSize: 320,
    minFrequency: 1,
    specialTokens: ['<|endoftext|>', '<|pad|>'],
    threads: 1,
    letters: codePointRanges(/^\p{L}$/u),
    numbers: codePointRanges(/^\p{N}$/u),
  };

  for (const [name, texts] of TEXTS) {
    it(`learns what the obvious trainer learns from ${name}`, async () => {
      const expected = await referenceTrainBpe(options, texts);
      for (const threads of [1, 2, 5]) {
        const learned = await trainBpe({ ...options, threads }, texts);
        expect(learned.vocab).to.deep.equal(expected.vocab);
        expect(learned.merges).to.deep.equal(expected.merges);
      }
    });
  }

  it('does not merge what is rarer than the minimum', async () => {
    const { merges } = await trainBpe({ ...options, minFrequency: 3 }, ['ab ab ab cd cd']);
    expect(merges).to.have.length(1); // a+b, three times; space+ab and c+d come twice
  });

  const wrong: [name: string, change: Record<string, unknown>, message: string][] = [
    [
      'a size that is no number',
      { vocabSize: 'big' },
      'trainBpe: options.vocabSize must be a number of at least 0',
    ],
    [
      'special tokens that are no texts',
      { specialTokens: [1] },
      'trainBpe: options.specialTokens must be an array of strings',
    ],
    [
      'ranges of another type',
      { letters: [1, 2] },
      'trainBpe: options.letters must be a Uint32Array of ranges',
    ],
  ];
  for (const [name, change, message] of wrong) {
    it(`refuses ${name}`, () => {
      expect(() => trainBpe({ ...options, ...change } as Parameters<TrainBpe>[0], [''])).to.throw(
        TypeError,
        message,
      );
    });
  }
});
