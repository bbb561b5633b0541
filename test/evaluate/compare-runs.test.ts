import { expect } from 'chai';
import { Random } from '../../src/data/index.js';
import { compareRuns } from '../../src/evaluate/index.js';
import { studentT } from '../../src/evaluate/student-t.js';

describe("Student's t", () => {
  // tables of the t distribution, two-sided
  for (const [confidence, freedom, t] of [
    [0.95, 1, 12.7062],
    [0.95, 2, 4.3027],
    [0.95, 4, 2.7764],
    [0.99, 10, 3.1693],
    [0.9, 30, 1.6973],
    [0.95, Number.POSITIVE_INFINITY, 1.96],
  ] as const)
    it(`has ${100 * confidence} % within ${t} at ${freedom} degrees of freedom`, () => {
      expect(studentT(confidence, freedom)).to.be.closeTo(t, 1e-4);
    });
});

describe('a comparison of runs', () => {
  it('pairs the questions: what is hard for both says nothing about the difference', () => {
    const random = new Random(1, 'difficulty');
    const hard = Array.from({ length: 400 }, () => random.next());
    const { mean, stderr, low } = compareRuns([hard.map((value) => value + 0.01)], [hard], 0.95);
    expect(mean).to.be.closeTo(0.01, 1e-12);
    expect(stderr).to.be.lessThan(1e-12);
    expect(low).to.be.closeTo(0.01, 1e-9);
  });

  it('of one run each is the paired t interval', () => {
    const { mean, low, high, freedom } = compareRuns([[1, 1, 0, 1, 1]], [[0, 1, 0, 0, 1]], 0.95);
    // differences 1, 0, 0, 1, 0: mean 0.4, variance 0.3
    expect([mean, freedom]).to.deep.equal([0.4, 4]);
    expect([low, high].map((value) => value.toFixed(4))).to.deep.equal(['-0.2801', '1.0801']);
  });

  it('of runs that differ is as wide as the runs make it, by Welch and Satterthwaite', () => {
    const same = (value: number) => new Array<number>(50).fill(value);
    const { mean, stderr, freedom } = compareRuns([0.5, 0.6, 0.7].map(same), [0.1, 0.4].map(same), 0.95);
    expect(mean).to.be.closeTo(0.35, 1e-12);
    const [ours, theirs] = [0.01 / 3, 0.045 / 2];
    expect(stderr).to.be.closeTo(Math.sqrt(ours + theirs), 1e-12);
    expect(freedom).to.be.closeTo((ours + theirs) ** 2 / (ours ** 2 / 2 + theirs ** 2 / 1), 1e-9);
  });

  it('covers the true difference about as often as it says', () => {
    const random = new Random(3, 'coverage');
    const normal = () => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
    const trials = 600;
    let covered = 0;
    for (let trial = 0; trial < trials; trial++) {
      const difficulty = Array.from({ length: 40 }, normal);
      const gain = Array.from({ length: 40 }, () => 0.3 + normal());
      const run = (gains: readonly number[]) => {
        const seed = 0.3 * normal();
        return difficulty.map((value, q) => value + gains[q]! + seed + 0.5 * normal());
      };
      const none = new Array<number>(40).fill(0);
      const { low, high } = compareRuns(
        [run(gain), run(gain), run(gain)],
        [run(none), run(none), run(none)],
        0.95,
      );
      if (low <= 0.3 && 0.3 <= high) covered++;
    }
    expect(covered / trials).to.be.within(0.93, 0.995);
  });
});
