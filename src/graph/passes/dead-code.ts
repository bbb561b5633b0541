import type { Graph } from '../graph.js';
import { hasTrait, isOptionalOutput } from '../op-names.js';
import type { GraphNode, Tensor } from '../tensor.js';
import { rewrite } from './rewrite.js';

/** Leaves out ops that neither an output nor a change of state needs, and optional outputs that nobody reads. */
export function dropDeadCode(graph: Graph): Graph {
  const needed = new Set<Tensor>(graph.outputs.values());
  const live = graph.nodes.toReversed().filter((node) => {
    const stays = hasTrait(node.op, 'effect') || node.outputs.some((output) => output && needed.has(output));
    if (stays) for (const input of node.inputs) if (input) needed.add(input);
    return stays;
  });
  const keep = (node: GraphNode, index: number) =>
    needed.has(node.outputs[index]!) || !isOptionalOutput(node.op, index);
  // only the live ones are visited: a dead one's inputs may be dead themselves
  return rewrite(graph, ({ node, copy }) => copy((index) => keep(node, index)), live.toReversed());
}
