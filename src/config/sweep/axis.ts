import { renderValue } from '../override/render.js';
import { Float } from '../python-value.js';

/** The values of a numeric sweep, laid out from 0 to 1 so that all axes look alike to a sampler. */
export interface Axis {
  /** How many different values there are; infinite for floats. */
  count: number;
  /** The nearest place that stands for a value, for a place between 0 and 1. */
  snap(place: number): number;
  /** The value at a place, as text. */
  text(place: number): string;
  /** The place of value number `index`, where the count is finite. */
  place(index: number): number;
}

/** Any number between two ends, evenly or, with `log`, evenly in the exponent; `whole` rounds it. */
export function floatAxis(low: number, high: number, log: boolean, whole = false): Axis {
  const value = (place: number): number => {
    const exact = log ? Math.exp(mix(Math.log(low), Math.log(high), place)) : mix(low, high, place);
    const short = whole
      ? Math.round(exact)
      : log
        ? significant(exact, high / low)
        : stepped(exact, high - low);
    return Math.min(high, Math.max(low, short));
  };
  return {
    count: Number.POSITIVE_INFINITY,
    snap: (place) => place,
    text: (place) => (whole ? String(value(place)) : renderValue(new Float(value(place)))),
    place: (index) => index,
  };
}

/** A list of numbers in order. Each has a stretch of the axis: all as long, or, with `log`, long where the ratios are. */
export function gridAxis(numbers: number[], text: (index: number) => string, log: boolean): Axis {
  const scaled = log ? numbers.map(Math.log) : numbers.map((_, index) => index);
  const between = scaled.slice(1).map((upper, index) => (scaled[index]! + upper) / 2);
  const first = scaled[0]!;
  const last = scaled.at(-1)!;
  // The outer stretches reach as far outwards as inwards.
  const low = between.length === 0 ? first - 1 : 2 * first - between[0]!;
  const high = between.length === 0 ? first + 1 : 2 * last - between.at(-1)!;
  const places = scaled.map((one) => (one - low) / (high - low));
  const ends = [...between.map((one) => (one - low) / (high - low)), 1];
  const indexAt = (place: number): number => {
    let from = 0;
    let to = ends.length - 1;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (place < ends[middle]!) to = middle;
      else from = middle + 1;
    }
    return from;
  };
  return {
    count: numbers.length,
    snap: (place) => places[indexAt(place)]!,
    text: (place) => text(indexAt(place)),
    place: (index) => places[index]!,
  };
}

const mix = (from: number, to: number, share: number): number => from + share * (to - from);

/** Rounded to about a thousandth of a width. */
function stepped(value: number, width: number): number {
  const decimals = 3 - Math.floor(Math.log10(width));
  if (decimals > 100) return value;
  const scale = 10 ** Math.abs(decimals);
  // A short text that reads as the nearest number, not 0.30000000000000004.
  return decimals >= 0 ? Number(value.toFixed(decimals)) : Math.round(value / scale) * scale;
}

/** Three digits, and more where the whole axis spans less than a power of ten. */
function significant(value: number, ratio: number): number {
  const extra = Math.max(0, Math.ceil(-Math.log10(Math.log10(ratio))));
  return Number(value.toPrecision(Math.min(17, 3 + extra)));
}
