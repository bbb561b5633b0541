import { expect } from 'chai';
import { pageScript } from '../../src/report/page-script.js';
import { indexScript } from '../../src/serve/index-script.js';
import { liveScript } from '../../src/serve/live-script.js';
import { Sparkline } from '../../src/serve/sparkline.js';

describe('serve/sparkline', () => {
  it('holds every value while there are few', () => {
    expect(filled(4, [3, 1, 2]).points).to.deep.equal([3, 1, 2]);
  });

  it('joins neighbours when there are too many, and never holds more than twice its capacity', () => {
    expect(filled(2, [1, 3, 5, 7]).points).to.deep.equal([2, 6]);
    const many = filled(
      40,
      Array.from({ length: 100_000 }, (_, index) => index),
    );
    expect(many.points).to.have.length.within(40, 79);
    expect(many.points.every((value, index) => index === 0 || value > many.points[index - 1]!)).to.equal(
      true,
    );
  });

  it('runs from left to right, its lowest value at the bottom', () => {
    expect(filled(4, [2, 1, 3]).path).to.equal('M0.0,12.0L50.0,22.0L100.0,2.0');
    expect(filled(4, [1]).path).to.equal('');
  });

  function filled(capacity: number, values: number[]): Sparkline {
    const line = new Sparkline(capacity);
    for (const value of values) line.add(value);
    return line;
  }
});

describe('what pages do', () => {
  const scripts = { list: indexScript, report: pageScript(), 'served report': pageScript(liveScript) };
  for (const [name, text] of Object.entries(scripts)) {
    it(`is a script: ${name}`, () => {
      expect(() => new Function(text)).to.not.throw();
    });
  }
});
