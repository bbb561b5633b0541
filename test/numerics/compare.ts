import { expect } from 'chai';

/**
 * Fails where a value differs from the reference by more than `tolerance` times the largest reference value (at least
 * 1). Infinities and NaN must agree exactly.
 */
export function expectClose(
  actual: ArrayLike<number>,
  wanted: ArrayLike<number>,
  tolerance: number,
  what: string,
): void {
  expect(actual.length, `${what}: length`).to.equal(wanted.length);
  const finite = Array.from(wanted).filter(Number.isFinite);
  const allowed = tolerance * finite.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
  let worst = { index: -1, error: 0 };
  for (let index = 0; index < wanted.length; index++) {
    const [a, b] = [actual[index]!, wanted[index]!];
    const error = Object.is(a, b) || a === b ? 0 : Math.abs(a - b);
    if (!(error <= worst.error)) worst = { index, error: Number.isNaN(error) ? Infinity : error };
    if (worst.error === Infinity) break;
  }
  const { index, error } = worst;
  if (error > allowed) {
    expect.fail(
      `${what}[${index}] is ${actual[index]}, the reference says ${wanted[index]} (allowed: ${allowed})`,
    );
  }
}
