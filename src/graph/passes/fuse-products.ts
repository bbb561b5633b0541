import type { CompileOptions } from '../compile.js';
import type { Graph } from '../graph.js';
import { changedInputs } from '../op-names.js';
import { mostTerms } from '../ops/matmul-sum.js';
import { sameShape } from '../shape.js';
import { stateBehind } from '../storage.js';
import type { GraphNode, Tensor } from '../tensor.js';
import { countReaders } from './count-readers.js';
import { dropDeadCode } from './dead-code.js';
import { rewrite } from './rewrite.js';

/** A sum that is one op: Σ a_i op(b_i) + bias + addend. */
interface Sum {
  readonly factors: readonly Tensor[];
  readonly transB: readonly number[];
  readonly bias: Tensor | null;
  readonly addend: Tensor | null;
  /** Of the largest product: what the sum is called in messages and profiles. */
  readonly scope: string;
}

/**
 * Makes products and the `add` that sums them one op, which holds the sum in registers until it is whole: a layer's
 * product and its adapter's, the gradients of a tensor that several products read, a residual connection. Only where
 * nothing else reads a product, and nothing changes a state that the sum reads before all is added. Not for independent rows,
 * whose products are of another kind.
 */
export function fuseProducts(graph: Graph, { dtype, independentRows = false }: CompileOptions): Graph {
  if (independentRows) return graph;
  const readers = countReaders(graph);
  const sums = new Map<Tensor, Sum>(); // by their result in the new graph
  const forget = (state: Tensor) => {
    for (const [result, { factors, bias, addend }] of sums)
      if ([...factors, bias, addend].some((read) => read && stateBehind(read) === state)) sums.delete(result);
  };
  const fused = rewrite(graph, ({ node, inputs, target, copy }) => {
    for (const index of changedInputs(node.op)) forget(inputs[index]!);
    const whole = node.op === 'add' ? sumOf(node, inputs as Tensor[], readers, sums) : null;
    if (whole === null) {
      const made = copy();
      const product = node.op === 'matmul' ? productOf(node, inputs, dtype) : null;
      if (product) sums.set(made[0]!, product);
      return made;
    }
    const { addend, bias, factors, transB, scope } = whole;
    const y = target.scopedAs(
      scope,
      () => target.emit('matmul_sum', { addend, bias, factors }, { trans_b: transB }).y,
    );
    sums.set(y, whole);
    return [y];
  });
  return sums.size === 0 ? graph : dropDeadCode(fused);
}

/** A product as a sum of its own; null where it is none of the kind: a in rows, one b for all of them, of one dtype. */
function productOf(
  { attributes, scope }: GraphNode,
  inputs: readonly (Tensor | null)[],
  dtype: CompileOptions['dtype'],
): Sum | null {
  const [a, b, bias] = inputs as readonly [Tensor, Tensor, Tensor | null];
  if (attributes.trans_a || b.shape.length !== 2) return null;
  if (a.dtype !== b.dtype && dtype !== 'bf16') return null; // weights in bf16 beside f32
  return { factors: [a, b], transB: [attributes.trans_b ? 1 : 0], bias, addend: null, scope };
}

/** What an `add` of two tensors sums; null where it stays an `add`. */
function sumOf(
  node: GraphNode,
  inputs: readonly Tensor[],
  readers: ReadonlyMap<Tensor, number>,
  sums: ReadonlyMap<Tensor, Sum>,
): Sum | null {
  const result = node.outputs[0]!;
  if (inputs.some((input) => !sameShape(input.shape, result.shape))) return null;
  const [left, right] = inputs.map((input, index) =>
    readers.get(node.inputs[index]!) === 1 ? sums.get(input) : undefined,
  );
  return (left && right && joined(left, right)) ?? plus(left, inputs[1]!) ?? plus(right, inputs[0]!) ?? null;
}

/** The sum with what no product makes, or another sum, added; null where it has such an addend already. */
function plus(sum: Sum | undefined, addend: Tensor): Sum | null {
  return sum?.addend === null && addend.dtype === 'f32' ? { ...sum, addend } : null;
}

function joined(left: Sum, right: Sum): Sum | null {
  if ((left.bias && right.bias) || (left.addend && right.addend)) return null;
  if (left.transB.length + right.transB.length > mostTerms) return null;
  return {
    factors: [...left.factors, ...right.factors],
    transB: [...left.transB, ...right.transB],
    bias: left.bias ?? right.bias,
    addend: left.addend ?? right.addend,
    scope: depthOf(left) >= depthOf(right) ? left.scope : right.scope,
  };
}

/** Of the deepest product. */
const depthOf = ({ factors }: Sum): number =>
  Math.max(...factors.map(({ shape }, index) => (index % 2 === 0 ? shape.at(-1)! : 0)));
