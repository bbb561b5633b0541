import { Graph } from '../graph.js';
import type { GraphNode, Tensor } from '../tensor.js';

/** One node on the way into the new graph, its inputs already there. */
export interface RewriteStep {
  readonly node: GraphNode;
  readonly inputs: readonly (Tensor | null)[];
  readonly target: Graph;
  /** Copies the node as it is, leaving out what `keeps` denies. Shapes are inferred, so checked, again. */
  copy(keeps?: (output: number) => boolean): readonly (Tensor | null)[];
}

/**
 * A new graph from an old one, node by node in program order. `visit` returns what stands for the node's outputs;
 * states no one uses any more vanish, inputs stay, for they are the program's signature. `nodes` may be fewer, or in
 * another valid order.
 */
export function rewrite(
  graph: Graph,
  visit: (step: RewriteStep) => readonly (Tensor | null)[],
  nodes: readonly GraphNode[] = graph.nodes,
): Graph {
  const target = new Graph();
  const moved = new Map<Tensor, Tensor>();
  const move = (tensor: Tensor): Tensor => {
    const known = moved.get(tensor);
    if (known) return known;
    const copy = copyLeaf(target, tensor);
    moved.set(tensor, copy);
    return copy;
  };
  for (const input of graph.inputs.values()) move(input);
  for (const node of nodes) {
    const inputs = node.inputs.map((input) => input && move(input));
    const copy = (keeps: (output: number) => boolean = () => true) =>
      target.emitFlat(
        node.op,
        inputs,
        node.attributes,
        node.scope,
        {},
        (output) => node.outputs[output] !== null && keeps(output),
        (output) => node.outputs[output]?.dtype === 'bf16',
      ).outputs;
    const outputs = visit({ node, inputs, target, copy });
    node.outputs.forEach((output, index) => {
      const replacement = outputs[index];
      if (output && replacement) moved.set(output, replacement);
    });
  }
  for (const [name, tensor] of graph.outputs) target.output(name, move(tensor));
  return target;
}

function copyLeaf(target: Graph, { source, dtype, shape, id }: Tensor): Tensor {
  if (source.kind === 'input') return target.input(source.name, dtype, shape);
  if (source.kind === 'state') return target.state(source.name, dtype, shape);
  if (source.kind === 'const') return target.constant(source.values, shape, dtype);
  throw new Error(`tensor ${id} is used before it is made`); // a pass broke program order
}
