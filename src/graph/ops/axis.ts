import { SluiceError } from '../../errors.js';
import { resolveAxis } from '../shape.js';
import type { Tensor } from '../tensor.js';

/** `axis` counted from the front; op functions take axes that count from the end too. */
export function axisOf(x: Tensor, axis: number, op: string): number {
  const resolved = resolveAxis(axis, x.shape.length);
  if (resolved !== null) return resolved;
  const scope = x.graph.currentScope;
  throw new SluiceError('graph.shape', `${scope ? `${scope}: ` : ''}${op} of ${x} has no axis ${axis}`, {
    where: scope,
  });
}
