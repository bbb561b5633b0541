import { affine, type Graph, gradients, sumSquares, type Tensor } from '../graph/index.js';
import { type Checks, largest, relativeError } from './checks.js';
import type { Tensors } from './fixture.js';

/** Gradients as outputs `grad.<i>`, zeros where the loss does not depend on a parameter, and their squared norm. */
export function outputGradients(graph: Graph, loss: Tensor, parameters: readonly Tensor[]): void {
  const grads = gradients(loss, [...parameters]);
  const present = grads.filter((grad) => grad !== null);
  graph.output('grad_square_sum', sumSquares(present as [Tensor, ...Tensor[]]));
  grads.forEach((grad, index) => {
    graph.output(`grad.${index}`, grad ?? affine(parameters[index]!, 0, 0));
  });
}

/** Compares by tensor name: the largest of max|a-b|/max|b|; tensors that must have no gradient absolutely. */
export function compareGradients(
  checks: Checks,
  label: string,
  pieces: readonly { name: string; data: Float32Array }[],
  reference: Tensors,
  nulls: readonly string[],
  tolerance: { grad_rel_inf: number; grad_null_abs: number },
): void {
  const byName = new Map(pieces.map(({ name, data }) => [name, data]));
  let relative = 0;
  let absolute = 0;
  for (const name of reference.names) {
    const data = byName.get(name);
    const expected = reference.floats(name);
    if (!data) relative = Number.NaN;
    else if (nulls.includes(name)) absolute = Math.max(absolute, largest(data));
    else relative = Math.max(relative, relativeError(data, expected));
  }
  if (byName.size !== reference.names.length)
    checks.add(`${label}.gradient_count`, byName.size, reference.names.length);
  checks.add(`${label}.gradients`, relative, tolerance.grad_rel_inf);
  if (nulls.length > 0) checks.add(`${label}.null_gradients`, absolute, tolerance.grad_null_abs);
}
