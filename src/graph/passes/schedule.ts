import type { Graph } from '../graph.js';
import { changedInputs, hasTrait } from '../op-names.js';
import { stateBehind } from '../storage.js';
import type { GraphNode, Tensor } from '../tensor.js';
import { rewrite } from './rewrite.js';

/**
 * Moves every change of state up to where its inputs are ready and nothing still reads the old value. An optimizer's
 * update then follows its gradient at once, and the gradient's memory is free again for the next one.
 */
export function hoistEffects(graph: Graph): Graph {
  const place = new Map<GraphNode, number>();
  const made = new Map<Tensor, number>(); // place of each tensor's op
  const touched = new Map<Tensor, number>(); // last place where a state was read or changed
  const changed = new Map<Tensor, number>(); // last place where it was changed
  graph.nodes.forEach((node, index) => {
    const targets = changedInputs(node.op).map((input) => node.inputs[input]!);
    const read = node.inputs.filter((input) => input !== null);
    const at = hasTrait(node.op, 'effect')
      ? Math.max(
          -1,
          ...read.map((input) => made.get(input) ?? -1),
          ...read.map((input) => changed.get(stateBehind(input) ?? input) ?? -1),
          ...targets.map((target) => touched.get(target) ?? -1),
        )
      : index;
    place.set(node, at);
    for (const output of node.outputs) if (output) made.set(output, at);
    for (const input of read) {
      const state = stateBehind(input);
      if (state) touched.set(state, Math.max(at, touched.get(state) ?? -1));
    }
    for (const target of targets) changed.set(target, at);
  });
  // Sorting is stable, and an effect shares the place of the last op it waits for, which stood before it.
  const nodes = graph.nodes.toSorted((a, b) => place.get(a)! - place.get(b)!);
  return rewrite(graph, ({ copy }) => copy(), nodes);
}
