import { configError } from '../config-error.js';
import { Float, integer, numeric, type Scalar } from '../python-value.js';
import type { RangeSweep } from './value.js';

const MAX_ELEMENTS = 1_000_000;
const PRECISION = 28; // significant digits of the reference's decimal arithmetic

/** coefficient × 10^exponent, exactly. */
interface Decimal {
  coefficient: bigint;
  exponent: number;
}

/** The elements of a range. Throws for step 0 and for more than a million elements. */
export function rangeElements(range: RangeSweep): Scalar[] {
  const tooMany = () => configError('compose', `a range has more than ${MAX_ELEMENTS} elements`);
  const [start = 0, stop = 0, step = 0] = [range.start, range.stop, range.step].map((value) =>
    numeric(value),
  );
  if ((stop - start) / step > 2 * MAX_ELEMENTS && step !== 0) throw tooMany();
  const elements: Scalar[] = [];
  for (const element of rangeValues(range)) {
    elements.push(element);
    if (elements.length > MAX_ELEMENTS) throw tooMany();
  }
  return elements;
}

/**
 * The elements one by one, without end where the stop is infinite. Integers stay integers; with a float anywhere all are
 * floats, summed in decimal arithmetic of 28 digits, so that 0.1 + 0.2 is 0.3.
 */
export function* rangeValues({ start, stop, step }: RangeSweep): IterableIterator<Scalar> {
  if (isInteger(start) && isInteger(stop) && isInteger(step)) {
    yield* integerValues(BigInt(start), BigInt(stop), BigInt(step));
    return;
  }
  const stride = decimal(step);
  if (stride.coefficient === 0n) throw zeroStep();
  const ascending = stride.coefficient > 0n;
  const limit =
    stop instanceof Float && Math.abs(stop.value) === Number.POSITIVE_INFINITY ? stop.value : decimal(stop);
  const before = (value: Decimal): boolean => {
    if (typeof limit === 'number') return limit > 0 === ascending;
    return ascending ? compare(value, limit) < 0 : compare(value, limit) > 0;
  };
  for (let value = decimal(start); before(value); value = add(value, stride)) {
    yield new Float(Number(`${value.coefficient}e${value.exponent}`));
  }
}

function* integerValues(start: bigint, stop: bigint, step: bigint): IterableIterator<Scalar> {
  if (step === 0n) throw zeroStep();
  for (let value = start; step > 0n ? value < stop : value > stop; value += step) yield integer(value);
}

function isInteger(value: Scalar): value is number | bigint | boolean {
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean';
}

function zeroStep(): Error {
  return configError('compose', 'Invalid range: the step is 0');
}

/** The decimal number that a double's shortest text shows. */
function decimal(value: Scalar): Decimal {
  if (isInteger(value)) return { coefficient: BigInt(value), exponent: 0 };
  const double = value instanceof Float ? value.value : Number.NaN;
  if (!Number.isFinite(double))
    throw configError('compose', `a range cannot be enumerated with the bound ${double}`);
  const [mantissa = '', exponent = '0'] = double.toExponential().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  return { coefficient: BigInt(whole + fraction), exponent: Number(exponent) - fraction.length };
}

function align(a: Decimal, b: Decimal): [bigint, bigint, number] {
  const exponent = Math.min(a.exponent, b.exponent);
  const scale = (value: Decimal) => value.coefficient * 10n ** BigInt(value.exponent - exponent);
  return [scale(a), scale(b), exponent];
}

function compare(a: Decimal, b: Decimal): number {
  const [left, right] = align(a, b);
  return left < right ? -1 : left > right ? 1 : 0;
}

function add(a: Decimal, b: Decimal): Decimal {
  const [left, right, exponent] = align(a, b);
  return round({ coefficient: left + right, exponent });
}

/** To 28 significant digits, halves to even. */
function round(value: Decimal): Decimal {
  const negative = value.coefficient < 0n;
  const magnitude = negative ? -value.coefficient : value.coefficient;
  const excess = magnitude.toString().length - PRECISION;
  if (excess <= 0) return value;
  const unit = 10n ** BigInt(excess);
  let kept = magnitude / unit;
  const rest = (magnitude % unit) * 2n;
  if (rest > unit || (rest === unit && kept % 2n === 1n)) kept++;
  return { coefficient: negative ? -kept : kept, exponent: value.exponent + excess };
}
