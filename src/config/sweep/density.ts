import type { Dimension } from './space.js';

/**
 * A probability density over a search space, fitted to some of its points: one kernel per point and a flat one as the prior,
 * all with the same weight. A kernel is a normal on each axis, cut off at 0 and 1, and on options a preference for its own.
 */
export class Density {
  private readonly space: Dimension[];
  private readonly points: number[][];
  /** Standard deviation of the normals. */
  private readonly width: number;
  /** Weight that a kernel spreads evenly over all options, its own having 1 besides. */
  private readonly spread: number;

  constructor(space: Dimension[], points: number[][]) {
    this.space = space;
    this.points = points;
    const dimensions = space.filter(({ kind }) => kind !== 'fixed').length;
    // Scott's rule for the width of kernels, on axes that are 1 long.
    this.width = Math.max(0.2 * Math.max(points.length, 1) ** (-1 / (dimensions + 4)), 0.01);
    this.spread = 1 / (points.length + 1);
  }

  /** A point drawn from the density. */
  draw(uniform: () => number): number[] {
    const kernel = this.points[Math.floor(uniform() * (this.points.length + 1))];
    return this.space.map((one, index) => {
      if (one.kind === 'fixed') return 0;
      const own = kernel?.[index];
      if (one.kind === 'options') {
        const spread = own === undefined || uniform() * (1 + this.spread) >= 1;
        return spread ? Math.floor(uniform() * one.texts.length) : own;
      }
      return one.axis.snap(own === undefined ? uniform() : this.normalAround(own, uniform));
    });
  }

  /** The logarithm of the density at a point. */
  logarithm(point: number[]): number {
    let sum = 1; // the prior's share: flat, as its options are below
    for (const kernel of this.points) {
      let product = 1;
      this.space.forEach((one, index) => {
        if (one.kind === 'options') {
          const own = point[index] === kernel[index] ? 1 : 0;
          product *= ((own + this.spread / one.texts.length) / (1 + this.spread)) * one.texts.length;
        } else if (one.kind === 'axis') {
          product *= this.normal(point[index]!, kernel[index]!);
        }
      });
      sum += product;
    }
    return Math.log(sum / (this.points.length + 1));
  }

  private normal(at: number, mean: number): number {
    const { width } = this;
    const inside = cumulative((1 - mean) / width) - cumulative(-mean / width);
    return Math.exp(-(((at - mean) / width) ** 2) / 2) / (width * Math.sqrt(2 * Math.PI) * inside);
  }

  private normalAround(mean: number, uniform: () => number): number {
    for (let attempt = 0; attempt < 100; attempt++) {
      const normal = Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
      const place = mean + this.width * normal;
      if (place >= 0 && place <= 1) return place;
    }
    return mean;
  }
}

/** The standard normal's distribution function, to 1e-7 (Abramowitz and Stegun 26.2.17). */
function cumulative(x: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(x));
  const polynomial =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const upper = (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * polynomial;
  return x >= 0 ? 1 - upper : upper;
}
