import { type Shape, sameShape } from '../shape.js';
import type { Tensor } from '../tensor.js';

/** Undoes a broadcast: sums `x` over the axes along which something of `shape` was repeated. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const added = x.shape.length - shape.length;
  const axes = x.shape.flatMap((size, axis) => (shape[axis - added] !== size ? [axis] : []));
  const summed = axes.length > 0 ? x.graph.emit('sum', { x }, { axes, keepdims: true }).y : x;
  return sameShape(summed.shape, shape) ? summed : x.graph.emit('reshape', { x: summed }, { shape }).y;
}
