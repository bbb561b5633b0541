import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import {
  axisTicks,
  curvePath,
  dotsPath,
  frameOf,
  smoothed,
  stepAt,
  stepPosition,
  stepTicks,
  tickText,
  valuePosition,
} from '../../src/report/charts/curve.js';
import { pageScript } from '../../src/report/page-script.js';

const linear = { logarithmic: false, logarithmicSteps: false };

describe('report/charts/curve', () => {
  it('smoothing with weight 0 changes nothing', () => {
    expect(smoothed([3, null, 1.5], 0)).to.deep.equal([3, null, 1.5]);
  });

  it('smoothing weighs older values by powers of the weight and divides by the sum of weights', () => {
    // (0.5·4 + 2) / 1.5 and (0.25·4 + 0.5·2 + 8) / 1.75
    expect(smoothed([4, 2, 8], 0.5)).to.deep.equal([4, 4 / 1.5, 10 / 1.75]);
  });

  it('a gap neither counts nor is filled', () => {
    expect(smoothed([4, null, 2], 0.5)).to.deep.equal([4, null, 4 / 1.5]);
  });

  it('a constant curve stays constant under any smoothing', () => {
    for (const value of smoothed([7, 7, 7, 7], 0.98)) expect(value).to.be.closeTo(7, 1e-12);
  });

  it('a path runs from left to right, high values on top, and starts anew after a gap', () => {
    const frame = { firstStep: 0, lastStep: 10, low: 0, high: 2, ...linear };
    expect(curvePath([0, 5, 6, 10], [2, 1, null, 0], frame)).to.equal('M0.0,0.0L500.0,500.0M1000.0,1000.0');
    expect(dotsPath([0, 6], [2, null], frame)).to.equal('M0.0,0.0h0');
  });

  it('a logarithmic axis puts the geometric mean in the middle', () => {
    const frame = { firstStep: 0, lastStep: 1, low: 0.01, high: 100, ...linear, logarithmic: true };
    expect(valuePosition(1, frame)).to.be.closeTo(500, 1e-9);
  });

  it('a logarithmic axis is refused where a value is not above zero', () => {
    expect(frameOf([[1, 2]], [[0, 3]], true, false).logarithmic).to.equal(false);
    expect(frameOf([[1, 2]], [[0.1, 3]], true, false).logarithmic).to.equal(true);
  });

  it('a logarithmic axis of steps puts step 10 between 1 and 100, and takes a curve that begins at 0', () => {
    const frame = (first: number, last: number) => frameOf([[first, last]], [[1, 2]], false, true);
    expect(stepPosition(10, frame(1, 100))).to.be.closeTo(500, 1e-9);
    expect(stepPosition(0, frame(0, 99))).to.equal(0);
    expect(stepPosition(9, frame(0, 99))).to.be.closeTo(500, 1e-9);
    expect(stepTicks(frame(0, 1000))).to.deep.equal([1, 10, 100, 1000]);
  });

  for (const frame of [
    frameOf([[0, 60]], [[1, 2]], false, false),
    frameOf([[0, 60]], [[1, 2]], false, true),
  ]) {
    it(`a place leads back to its step, steps ${frame.logarithmicSteps ? 'logarithmic' : 'linear'}`, () => {
      for (const step of [0, 1, 17, 60])
        expect(stepAt(stepPosition(step, frame), frame)).to.be.closeTo(step, 1e-9);
    });
  }

  it('one point and a constant curve still have an axis with room on it', () => {
    const frame = frameOf([[5]], [[2]], false, false);
    expect(frame.lastStep).to.be.greaterThan(frame.firstStep);
    expect(frame.high).to.be.greaterThan(2);
    expect(frame.low).to.be.lessThan(2);
  });

  const ticks: [string, [number, number, boolean], number[]][] = [
    ['a plain range', [0, 10, false], [0, 5, 10]],
    ['a range below one', [0.1, 0.42, false], [0.1, 0.2, 0.3, 0.4]],
    ['a range across zero', [-1.1, 1.1, false], [-1, 0, 1]],
    ['three decades', [0.9, 1100, true], [1, 10, 100, 1000]],
    ['one decade', [0.9, 11, true], [1, 2, 5, 10]],
  ];
  for (const [name, [low, high, logarithmic], expected] of ticks) {
    it(`ticks are round numbers: ${name}`, () => {
      expect(axisTicks(low, high, logarithmic, 4)).to.deep.equal(expected);
    });
  }

  const texts: [number, string][] = [
    [0, '0'],
    [0.0002, '2e-4'],
    [0.15, '0.15'],
    [4.21987, '4.22'],
    [1200, '1200'],
    [12500, '12.5k'],
    [2.5e6, '2.5M'],
    [-3.5e9, '-3.5G'],
  ];
  for (const [value, text] of texts) {
    it(`the tick ${value} reads ${text}`, () => {
      expect(tickText(value)).to.equal(text);
    });
  }

  it('the page carries the same geometry: its copy stands alone and draws the same path', () => {
    const script = pageScript();
    const geometry = script.slice(script.indexOf('(() => {') + 8, script.indexOf('const view ='));
    const steps = [1, 2, 3, 4];
    const values = [8, 4, null, 2];
    const drawn = runInNewContext(
      `${geometry}; const frame = frameOf([steps], [values], true, true);
       ({ path: curvePath(steps, smoothed(values, 0.5), frame), dots: dotsPath(steps, values, frame),
          ticks: axisTicks(frame.low, frame.high, true, 4).map(tickText).join() })`,
      { steps, values },
    ) as Record<string, string>;
    const frame = frameOf([steps], [values], true, true);
    expect(drawn.path).to.equal(curvePath(steps, smoothed(values, 0.5), frame));
    expect(drawn.dots).to.equal(dotsPath(steps, values, frame));
    expect(drawn.ticks).to.equal(axisTicks(frame.low, frame.high, true, 4).map(tickText).join());
  });

  it('the script runs on a page without charts', () => {
    const document = { querySelectorAll: () => [], querySelector: () => null };
    expect(() => runInNewContext(pageScript(), { document })).to.not.throw();
  });
});
