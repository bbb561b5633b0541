import { type Dtype, elementCount, type Shape } from '../../src/graph/index.js';

/** Numbers handed to an op. Floats are exact in f32, so that both sides compute from the same values. */
export interface Given {
  readonly dtype: Dtype;
  readonly shape: Shape;
  readonly values: readonly number[];
}

/** Random test data that is the same in every run. */
export class Data {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** Floats in [low, high). */
  uniform(shape: Shape, low = 0, high = 1): Given {
    return this.#floats(shape, () => low + (high - low) * this.#next());
  }

  /** Roughly normal floats around `middle`. */
  normal(shape: Shape, scale = 1, middle = 0): Given {
    const sum = () => Array.from({ length: 6 }, () => this.#next()).reduce((a, b) => a + b, -3);
    return this.#floats(shape, () => middle + scale * Math.SQRT2 * sum());
  }

  /** Normal floats at least `distance` away from zero: for functions with a kink there. */
  awayFromZero(shape: Shape, distance = 0.1): Given {
    const { values } = this.normal(shape);
    return f32Of(
      shape,
      values.map((value) => value + Math.sign(value) * distance),
    );
  }

  /** Whole numbers low..high-1. */
  ints(shape: Shape, low: number, high: number): Given {
    return i32Of(
      shape,
      Array.from({ length: elementCount(shape) }, () => low + Math.floor((high - low) * this.#next())),
    );
  }

  #floats(shape: Shape, make: () => number): Given {
    return f32Of(shape, Array.from({ length: elementCount(shape) }, make));
  }

  /** mulberry32, in [0,1) */
  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let word = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
  }
}

export function f32Of(shape: Shape, values: readonly number[]): Given {
  return { dtype: 'f32', shape, values: values.map(Math.fround) };
}

export function i32Of(shape: Shape, values: readonly number[]): Given {
  return { dtype: 'i32', shape, values };
}
