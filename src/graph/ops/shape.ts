import type { Dtype } from '../dtype.js';
import type { Graph } from '../graph.js';
import type { Definitions } from '../op-definition.js';
import {
  broadcastShapes,
  elementCount,
  formatShape,
  resolveReshape,
  type Shape,
  sameShape,
} from '../shape.js';
import type { Tensor } from '../tensor.js';
import { axisOf } from './axis.js';
import { expectAxis, expectDtype, f32 } from './checks.js';
import { sumTo } from './sum-to.js';

/** The same elements under another shape; one size may be -1. Costs nothing. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.shape, shape) ? x : x.graph.emit('reshape', { x }, { shape }).y;
}

/** Axis i of the result is axis perm[i] of x. */
export function transpose(x: Tensor, perm: readonly number[]): Tensor {
  return perm.every((from, axis) => from === axis) && perm.length === x.shape.length
    ? x
    : x.graph.emit('transpose', { x }, { perm }).y;
}

/** Elements start..stop-1 along an axis; a negative stop counts from the end. */
export function slice(x: Tensor, axis: number, start: number, stop?: number): Tensor {
  const along = axisOf(x, axis, 'slice');
  const size = x.shape[along]!;
  const end = stop === undefined ? size : stop < 0 ? stop + size : stop;
  return start === 0 && end === size ? x : x.graph.emit('slice', { x }, { axis: along, start, stop: end }).y;
}

/** Zeros before and after along an axis. */
export function pad(x: Tensor, axis: number, before: number, after: number): Tensor {
  const along = axisOf(x, axis, 'pad');
  return before === 0 && after === 0 ? x : x.graph.emit('pad', { x }, { axis: along, before, after }).y;
}

export function concat(xs: readonly [Tensor, ...Tensor[]], axis: number): Tensor {
  return xs.length === 1
    ? xs[0]
    : xs[0].graph.emit('concat', { x: xs }, { axis: axisOf(xs[0], axis, 'concat') }).y;
}

/** x repeated to `shape`, as NumPy's broadcast_to. Elementwise ops broadcast by themselves. */
export function expand(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.shape, shape) ? x : x.graph.emit('expand', { x }, { shape }).y;
}

/** A tensor of one value. */
export function full(graph: Graph, shape: Shape, value: number, dtype: Dtype = 'f32'): Tensor {
  return graph.emit('full', {}, { shape, value, dtype }).y;
}

export const shapeOps: Definitions<'reshape' | 'transpose' | 'slice' | 'pad' | 'concat' | 'expand' | 'full'> =
  {
    reshape: {
      precision: { moves: true },
      infer(call) {
        const { x } = call.inputs;
        const wanted = call.attributes.shape;
        const count = elementCount(x.shape);
        const shape =
          resolveReshape(count, wanted) ?? call.fail(`${count} elements do not make ${formatShape(wanted)}`);
        return { y: { shape, dtype: x.dtype } };
      },
      gradient: ({ inputs, grads }) => ({ x: () => reshape(grads.y!, inputs.x.shape) }),
      bytes: () => 0,
    },
    transpose: {
      precision: { moves: true },
      infer(call) {
        const { x } = call.inputs;
        const { perm } = call.attributes;
        const axes = [...perm].sort((a, b) => a - b);
        if (axes.length !== x.shape.length || axes.some((axis, index) => axis !== index)) {
          call.fail(`perm ${formatShape(perm)} does not order its ${x.shape.length} axes`);
        }
        expectDtype(call, 'f32', { x });
        return { y: f32(perm.map((axis) => x.shape[axis]!)) };
      },
      gradient: ({ grads, attributes: { perm } }) => ({
        x: () =>
          transpose(
            grads.y!,
            perm.map((_, axis) => perm.indexOf(axis)),
          ),
      }),
    },
    slice: {
      precision: { moves: true },
      infer(call) {
        const { x } = call.inputs;
        const { axis, start, stop } = call.attributes;
        expectDtype(call, 'f32', { x });
        expectAxis(call, axis, x.shape.length);
        if (!(start >= 0 && start <= stop && stop <= x.shape[axis]!)) {
          call.fail(`${start}..${stop} does not lie within axis ${axis}`);
        }
        return { y: f32(x.shape.with(axis, stop - start)) };
      },
      gradient: ({ inputs: { x }, grads, attributes: { axis, start, stop } }) => ({
        x: () => pad(grads.y!, axis, start, x.shape[axis]! - stop),
      }),
    },
    pad: {
      precision: { moves: true },
      infer(call) {
        const { x } = call.inputs;
        const { axis, before, after } = call.attributes;
        expectDtype(call, 'f32', { x });
        expectAxis(call, axis, x.shape.length);
        if (before < 0 || after < 0) call.fail('padding cannot be negative');
        return { y: f32(x.shape.with(axis, before + x.shape[axis]! + after)) };
      },
      gradient: ({ inputs: { x }, grads, attributes: { axis, before } }) => ({
        x: () => slice(grads.y!, axis, before, before + x.shape[axis]!),
      }),
    },
    concat: {
      precision: { moves: true },
      infer(call) {
        const { x: parts } = call.inputs;
        const { axis } = call.attributes;
        const first = parts[0] ?? call.fail('there is nothing to join');
        expectAxis(call, axis, first.shape.length);
        for (const part of parts) {
          expectDtype(call, 'f32', { x: part });
          if (
            part.shape.length !== first.shape.length ||
            !sameShape(part.shape.with(axis, 0), first.shape.with(axis, 0))
          ) {
            call.fail(`the shapes may differ along axis ${axis} only`);
          }
        }
        return {
          y: f32(
            first.shape.with(
              axis,
              parts.reduce((total, part) => total + part.shape[axis]!, 0),
            ),
          ),
        };
      },
      gradient: ({ inputs: { x: parts }, grads, attributes: { axis } }) => ({
        x: (index) => {
          const start = parts.slice(0, index).reduce((total, part) => total + part.shape[axis]!, 0);
          return slice(grads.y!, axis, start, start + parts[index]!.shape[axis]!);
        },
      }),
    },
    expand: {
      precision: { moves: true },
      infer(call) {
        const { x } = call.inputs;
        const { shape } = call.attributes;
        expectDtype(call, 'f32', { x });
        const joint = broadcastShapes(x.shape, shape);
        if (!joint || !sameShape(joint, shape)) call.fail(`it cannot be repeated to ${formatShape(shape)}`);
        return { y: f32(shape) };
      },
      gradient: ({ inputs, grads }) => ({ x: () => sumTo(grads.y!, inputs.x.shape) }),
    },
    full: {
      infer(call) {
        const { shape, dtype } = call.attributes;
        if (dtype === 'f32' || dtype === 'i32') return { y: { shape, dtype } };
        return call.fail(`dtype ${dtype} is not f32 or i32`);
      },
    },
  };
