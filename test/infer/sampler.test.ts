import { expect } from 'chai';
import { type SamplingOptions, sample } from '../../src/infer/index.js';

const logits = Float32Array.of(1, 3, 2, 3, -1);

/** Shares of 4000 draws by token. */
function shares(options: SamplingOptions, seen: number[] = []): number[] {
  const counts = new Array<number>(logits.length).fill(0);
  for (let step = 0; step < 4000; step++) counts[sample(logits, options, seen, { row: 0, step })]!++;
  return counts.map((count) => count / 4000);
}

const e = Math.exp;
const softmax = (weights: number[]) => weights.map((w) => w / weights.reduce((a, b) => a + b, 0));

describe('sampling', () => {
  const cases: [name: string, options: SamplingOptions, seen: number[], expected: number[]][] = [
    ['temperature 0 takes the first of the largest', { temperature: 0 }, [], [0, 1, 0, 0, 0]],
    [
      'a penalty turns greedy away from a token seen before',
      { temperature: 0, repetitionPenalty: 2 },
      [1],
      [0, 0, 0, 1, 0],
    ],
    ['temperature 1 draws by probability', { temperature: 1 }, [], softmax([e(1), e(3), e(2), e(3), e(-1)])],
    ['temperature 2 draws flatter', { temperature: 2 }, [], softmax([e(0.5), e(1.5), e(1), e(1.5), e(-0.5)])],
    ['top_k keeps the k largest', { temperature: 1, topK: 3 }, [], softmax([0, e(3), e(2), e(3), 0])],
    ['top_p keeps the smallest sufficient set', { temperature: 1, topP: 0.7 }, [], [0, 0.5, 0, 0.5, 0]],
    ['top_p keeps at least one token', { temperature: 1, topP: 0.01 }, [], [0, 1, 0, 0, 0]],
    [
      'min_p drops what is far below the best',
      { temperature: 1, minP: 0.2 },
      [],
      softmax([0, e(3), e(2), e(3), 0]),
    ],
  ];
  for (const [name, options, seen, expected] of cases) {
    it(name, () => {
      shares(options, seen).forEach((share, token) => {
        expect(share, `token ${token}`).to.be.closeTo(expected[token]!, 0.03);
      });
    });
  }

  it('depends on seed, row and step, and on nothing else', () => {
    const draw = (seed: number, row: number) =>
      Array.from({ length: 64 }, (_, step) =>
        sample(logits, { temperature: 1, seed }, [], { row, step }),
      ).join('');
    expect(draw(1, 0)).to.equal(draw(1, 0));
    expect(new Set([draw(1, 0), draw(2, 0), draw(1, 1)])).to.have.property('size', 3);
  });
});
