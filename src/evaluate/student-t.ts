/**
 * The t for which a share `confidence` of Student's distribution lies between -t and t; infinite degrees of freedom: the
 * normal distribution's. By bisection, to 12 digits.
 */
export function studentT(confidence: number, freedom: number): number {
  if (!Number.isFinite(freedom)) return studentT(confidence, 1e7);
  let [low, high] = [0, 1];
  while (insideOf(high, freedom) < confidence) high *= 2;
  for (let i = 0; i < 100 && high - low > 1e-12 * high; i++) {
    const middle = (low + high) / 2;
    if (insideOf(middle, freedom) < confidence) low = middle;
    else high = middle;
  }
  return high;
}

/** Share between -t and t: 1 - I_x(ν/2, 1/2) with x = ν / (ν + t²); Abramowitz and Stegun 26.7.1. */
function insideOf(t: number, freedom: number): number {
  return 1 - incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5);
}

/** Regularized incomplete beta function by its continued fraction (DLMF 8.17.22), where it converges fast. */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(
    logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x) - Math.log(a),
  );
  // from the last term inwards; far more terms than the fraction needs
  let fraction = 1;
  for (let m = 200; m >= 1; m--) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m - 1) * (a + b + m - 1) * x) / ((a + 2 * m - 2) * (a + 2 * m - 1));
    fraction = 1 + odd / (1 + even / fraction);
  }
  return front / fraction;
}

/** Stirling's series (DLMF 5.11.1) beyond 10, to which the recurrence leads. */
function logGamma(z: number): number {
  if (z < 10) return logGamma(z + 1) - Math.log(z);
  const inverse = 1 / z;
  const square = inverse * inverse;
  const series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680)));
  return (z - 0.5) * Math.log(z) - z + Math.log(2 * Math.PI) / 2 + series;
}
