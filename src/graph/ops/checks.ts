import type { Dtype } from '../dtype.js';
import type { TensorType } from '../op-definition.js';
import { formatShape, resolveAxis, type Shape, sameShape } from '../shape.js';

interface Failing {
  fail(reason: string): never;
}

export const f32 = (shape: Shape): TensorType => ({ shape, dtype: 'f32' });
export const i32 = (shape: Shape): TensorType => ({ shape, dtype: 'i32' });

export function expectDtype(
  call: Failing,
  dtype: Dtype,
  tensors: Readonly<Record<string, TensorType | null>>,
): void {
  for (const [name, tensor] of Object.entries(tensors)) {
    if (tensor && tensor.dtype !== dtype) call.fail(`${name} must be ${dtype}, not ${tensor.dtype}`);
  }
}

export function expectShape(call: Failing, name: string, tensor: TensorType | null, shape: Shape): void {
  if (tensor && !sameShape(tensor.shape, shape)) {
    call.fail(`${name} must be ${formatShape(shape)}, not ${formatShape(tensor.shape)}`);
  }
}

export function expectRank(call: Failing, name: string, tensor: TensorType, rank: number): void {
  if (tensor.shape.length !== rank)
    call.fail(`${name} must have ${rank} dimensions, not ${tensor.shape.length}`);
}

/** At least one dimension; returns the size of the last. */
export function lastSize(call: Failing, name: string, tensor: TensorType): number {
  if (tensor.shape.length === 0) call.fail(`${name} must have a dimension`);
  return tensor.shape.at(-1)!;
}

/** Axes reach an op already counted from the front; anything else is a mistake of the caller. */
export function expectAxis(call: Failing, axis: number, rank: number): void {
  if (resolveAxis(axis, rank) !== axis) call.fail(`there is no axis ${axis} among ${rank}`);
}
