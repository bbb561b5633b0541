import type { Dtype } from '../dtype.js';
import type { Graph } from '../graph.js';
import { isVirtual } from '../op-definition.js';
import { changedInputs, inputSlot, outputName } from '../op-names.js';
import { definitionOf, storesNarrow, takesNarrow } from '../op-table.js';
import { cast } from '../ops/arithmetic.js';
import { reshape } from '../ops/shape.js';
import { isGradient } from '../scope.js';
import { stateBehind, storageRoot } from '../storage.js';
import type { GraphNode, Tensor } from '../tensor.js';
import { rewrite } from './rewrite.js';

/**
 * Mixed precision: products take bf16 operands, and what ops hand each other is stored as bf16 where every reader is
 * content with that. States keep their dtype: a product reads a bf16 copy of a weight, made once per run. Statistics,
 * sums that run on (the residual stream), losses, weight gradients and everything small stay f32. What norms alone read of
 * such a sum in the backward pass is held as a bf16 copy, which their forward pass reads too.
 */
export function castToBf16(graph: Graph): Graph {
  const wide = readAsF32(graph);
  const copied = heldAsCopies(graph);
  const copies = new Map<string, Tensor>(); // by tensor and dtype; reshapes of a tensor share its copy
  const as = (tensor: Tensor, dtype: Dtype): Tensor => {
    if (tensor.dtype === dtype) return tensor;
    const root = storageRoot(tensor);
    const key = `${root.id} ${dtype}`;
    const copy = copies.get(key) ?? cast(root, dtype);
    copies.set(key, copy);
    return root === tensor ? copy : reshape(copy, tensor.shape);
  };
  return rewrite(graph, ({ node, inputs, target }) => {
    if (widensOnly(graph, node) || (narrows(node) && inputs[0]!.dtype === 'bf16')) return [inputs[0]!];
    const fitting = target.scopedAs(node.scope, () => fitInputs(node, inputs, as, copied));
    const made = target.emitFlat(
      node.op,
      fitting,
      node.attributes,
      node.scope,
      {},
      (output) => node.outputs[output] !== null,
      (output) => {
        const tensor = node.outputs[output];
        return (
          tensor != null &&
          storesNarrow(node.op, outputName(node.op, output)) &&
          isLarge(tensor) &&
          !wide.has(tensor)
        );
      },
    );
    for (const index of changedInputs(node.op)) forget(copies, inputs[index]!);
    return made.outputs;
  });
}

/** Whether the op only widens what every reader may have as it is. */
const widensOnly = (graph: Graph, { op, inputs, outputs }: GraphNode): boolean =>
  op === 'cast' && inputs[0]!.dtype === 'bf16' && ![...graph.outputs.values()].includes(outputs[0]!);

/** Whether the op makes bf16 of an f32, which may as well be stored so in the first place. */
const narrows = ({ op, attributes }: GraphNode): boolean => op === 'cast' && attributes.dtype === 'bf16';

/** A row of a few numbers is a score or a statistic. */
const isLarge = ({ shape }: Tensor): boolean => shape.length > 1 && shape.at(-1)! >= 8;

/** Tensors that some reader wants in f32, or that leave the program. */
function readAsF32(graph: Graph): Set<Tensor> {
  const wide = new Set(graph.outputs.values());
  for (const node of graph.nodes.toReversed()) {
    if (narrows(node)) continue;
    const { operands, reads, moves } = definitionOf(node.op).precision ?? {};
    const passedOn = moves === true && !node.outputs.some((output) => output && wide.has(output));
    node.inputs.forEach((input, index) => {
      if (!input) return;
      const { name } = inputSlot(node.op, index);
      if (!passedOn && !operands?.includes(name) && !reads?.includes(name)) wide.add(input);
    });
  }
  return wide;
}

/** Tensors (the storage behind them) that the backward pass reads in f32 only where a bf16 copy does as well. */
function heldAsCopies(graph: Graph): Set<Tensor> {
  const [copied, others] = [new Set<Tensor>(), new Set<Tensor>()];
  for (const node of graph.nodes) {
    if (!isGradient(node.scope) || isVirtual(node.op)) continue;
    const { copies } = definitionOf(node.op).precision ?? {};
    node.inputs.forEach((input, index) => {
      if (!input) return;
      const known = copies?.includes(inputSlot(node.op, index).name) ? copied : others;
      known.add(storageRoot(input));
    });
  }
  return new Set([...copied].filter((tensor) => isLarge(tensor) && !others.has(tensor)));
}

/** Products get bf16, ops that know no bf16 get f32, and parts that are joined are of one dtype. */
function fitInputs(
  node: GraphNode,
  inputs: readonly (Tensor | null)[],
  as: (tensor: Tensor, dtype: Dtype) => Tensor,
  copied: ReadonlySet<Tensor>,
): (Tensor | null)[] {
  const { operands, copies, moves } = definitionOf(node.op).precision ?? {};
  const joined = moves === true && inputs.every((input) => input === null || input.dtype !== 'f32');
  return inputs.map((input, index) => {
    if (!input || (input.dtype !== 'f32' && input.dtype !== 'bf16')) return input;
    const { name } = inputSlot(node.op, index);
    if (operands?.includes(name)) return as(input, 'bf16');
    if (copies?.includes(name) && copied.has(storageRoot(node.inputs[index]!))) return as(input, 'bf16');
    if (moves) return joined ? input : as(input, 'f32');
    return takesNarrow(node.op, name) ? input : as(input, 'f32');
  });
}

/** A changed state has no copies any more. */
function forget(copies: Map<string, Tensor>, state: Tensor): void {
  for (const [key, copy] of copies) {
    const original = copy.source.kind === 'node' ? copy.source.node.inputs[0]! : copy;
    if (stateBehind(original) === state) copies.delete(key);
  }
}
