import type { Graph } from '../graph.js';
import { affine } from '../ops/arithmetic.js';
import { concat, full, pad, reshape, transpose } from '../ops/shape.js';
import { type Shape, sameShape } from '../shape.js';
import type { GraphNode, Tensor } from '../tensor.js';
import { rewrite } from './rewrite.js';

type Rule = (node: GraphNode, inputs: readonly Tensor[], target: Graph) => Tensor | null;

/** Local rewrites that leave the same values: reshape chains, x*1, constants met by gradients, needless broadcasts,
 * slices of gradients joined. */
export function simplify(graph: Graph): Graph {
  return rewrite(graph, ({ node, inputs, target, copy }) => {
    const rule = rules[node.op];
    if (!rule) return copy();
    const better = target.scopedAs(node.scope, () => rule(node, inputs as Tensor[], target));
    // what rounds to bf16 on the way is not the same value
    return better?.dtype === node.outputs[0]!.dtype ? [better] : copy();
  });
}

const producer = (x: Tensor, op: string): GraphNode | null =>
  x.source.kind === 'node' && x.source.node.op === op ? x.source.node : null;

const inputOf = (node: GraphNode): Tensor => node.inputs[0]!;

/** The one value of a tensor made by `full`, or of a constant of equal numbers. */
function uniformValue(x: Tensor): number | null {
  const node = producer(x, 'full');
  if (node) return node.attributes.value as number;
  if (x.source.kind !== 'const') return null;
  const [first, ...rest] = x.source.values;
  return first !== undefined && rest.every((value) => value === first) ? first : null;
}

const reshaped: Rule = (node, [x], target) => {
  const shape = node.outputs[0]!.shape;
  const inner = producer(x!, 'reshape');
  if (inner) return reshape(inputOf(inner), shape);
  if (x!.source.kind === 'const') return target.constant(x!.source.values, shape, x!.dtype);
  return refill(x!, shape, target) ?? (sameShape(x!.shape, shape) ? x! : null);
};

const refill = (x: Tensor, shape: Shape, target: Graph): Tensor | null => {
  const node = producer(x, 'full');
  return node ? full(target, shape, node.attributes.value as number, x.dtype) : null;
};

const scaled: Rule = (node, [x], target) => {
  const { scale, shift } = node.attributes as { scale: number; shift: number };
  const inner = producer(x!, 'affine');
  if (inner) {
    const { scale: first, shift: offset } = inner.attributes as { scale: number; shift: number };
    return affine(inputOf(inner), first * scale, offset * scale + shift);
  }
  const value = producer(x!, 'full') ? uniformValue(x!) : null;
  return value === null ? null : full(target, x!.shape, value * scale + shift);
};

const transposed: Rule = (node, [x]) => {
  const inner = producer(x!, 'transpose');
  if (!inner) return null;
  const first = inner.attributes.perm as readonly number[];
  return transpose(
    inputOf(inner),
    (node.attributes.perm as readonly number[]).map((axis) => first[axis]!),
  );
};

/**
 * The sum of two parts beside each other, each with zeros around it, is the two joined: what the gradients of a tensor that
 * was cut into slices add up to. Null for any other sum.
 */
function joined(a: Tensor, b: Tensor): Tensor | null {
  const [first, second] = [producer(a, 'pad'), producer(b, 'pad')];
  if (!first || !second) return null;
  const [left, right] = [padding(first), padding(second)];
  const { axis } = left;
  if (right.axis !== axis || !sameShape(a.shape, b.shape)) return null;
  if (right.before < left.before) return joined(b, a);
  if (left.before + inputOf(first).shape[axis]! !== right.before) return null;
  const both = concat([...partsOf(inputOf(first), axis), ...partsOf(inputOf(second), axis)], axis);
  return pad(both, axis, left.before, right.after);
}

const padding = ({ attributes }: GraphNode) =>
  attributes as unknown as { axis: number; before: number; after: number };

function partsOf(x: Tensor, axis: number): readonly [Tensor, ...Tensor[]] {
  const node = producer(x, 'concat');
  return node?.attributes.axis === axis ? (node.inputs as [Tensor, ...Tensor[]]) : [x];
}

/** An operand need not be repeated beforehand when the other one gives the result its shape. */
function unexpanded(a: Tensor, b: Tensor, shape: Shape): [Tensor, Tensor] | null {
  const [left, right] = [producer(a, 'expand'), producer(b, 'expand')];
  if (right && sameShape(a.shape, shape)) return [a, inputOf(right)];
  if (left && sameShape(b.shape, shape)) return [inputOf(left), b];
  return null;
}

function binary(op: 'add' | 'sub' | 'mul' | 'div', uniform: (a: Tensor, b: Tensor) => Tensor | null): Rule {
  return (node, [a, b], target) => {
    const simple = uniform(a!, b!);
    if (simple) return simple;
    const narrow = unexpanded(a!, b!, node.outputs[0]!.shape);
    return narrow && target.emit(op, { a: narrow[0], b: narrow[1] }, {}).y;
  };
}

const rules: Partial<Record<GraphNode['op'], Rule>> = {
  stop_gradient: (_node, [x]) => x!,
  reshape: reshaped,
  affine: scaled,
  transpose: transposed,
  expand: (node, [x], target) => refill(x!, node.outputs[0]!.shape, target),
  add: binary('add', (a, b) => {
    const [left, right] = [uniformValue(a), uniformValue(b)];
    if (right !== null && covers(a, b)) return affine(a, 1, right);
    if (left !== null && covers(b, a)) return affine(b, 1, left);
    return joined(a, b);
  }),
  sub: binary('sub', (a, b) => {
    const right = uniformValue(b);
    return right !== null && covers(a, b) ? affine(a, 1, -right) : null;
  }),
  mul: binary('mul', (a, b) => {
    const [left, right] = [uniformValue(a), uniformValue(b)];
    if (right !== null && covers(a, b)) return affine(a, right, 0);
    return left !== null && covers(b, a) ? affine(b, left, 0) : null;
  }),
  div: binary('div', () => null),
};

/** Whether a op b has the shape of a. */
function covers(a: Tensor, b: Tensor): boolean {
  const added = a.shape.length - b.shape.length;
  return added >= 0 && b.shape.every((size, axis) => size === 1 || size === a.shape[added + axis]);
}
