import { type Dtype, elementCount, type Shape } from '../../../src/graph/index.js';

/** A tensor of the reference interpreter: every dtype in float64. */
export interface RefArray {
  readonly shape: Shape;
  readonly dtype: Dtype;
  readonly data: Float64Array;
}

export function refArray(shape: Shape, dtype: Dtype = 'f32', values?: ArrayLike<number>): RefArray {
  const data = new Float64Array(elementCount(shape));
  if (values) data.set(values);
  return { shape, dtype, data };
}

/** Row-major strides in elements. */
export function strides(shape: Shape): number[] {
  const result = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) result[axis] = result[axis + 1]! * shape[axis + 1]!;
  return result;
}

/** Calls `visit` with every index of `shape`, in row-major order. The same array is passed each time. */
export function eachIndex(shape: Shape, visit: (index: number[], flat: number) => void): void {
  const index = new Array<number>(shape.length).fill(0);
  const count = elementCount(shape);
  for (let flat = 0; flat < count; flat++) {
    visit(index, flat);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (++index[axis]! < shape[axis]!) break;
      index[axis] = 0;
    }
  }
}

/** Flat place of `index`, aligned at the last axis and broadcast along axes of size 1. */
export function flatOf(shape: Shape, index: readonly number[]): number {
  const steps = strides(shape);
  const skipped = index.length - shape.length;
  return shape.reduce((sum, size, axis) => sum + (size === 1 ? 0 : index[axis + skipped]! * steps[axis]!), 0);
}

/** [outer, size, inner] around one axis: element (o, i, n) lies at (o*size + i)*inner + n. */
export function around(shape: Shape, axis: number): [number, number, number] {
  return [elementCount(shape.slice(0, axis)), shape[axis]!, elementCount(shape.slice(axis + 1))];
}

/** Rows over the last axis: [number of rows, their width]. */
export function rowsOf(shape: Shape): [number, number] {
  return [elementCount(shape.slice(0, -1)), shape.at(-1)!];
}
