import type { Graph } from '../graph.js';
import { changedInputs } from '../op-names.js';
import { stateBehind } from '../storage.js';
import type { GraphNode, Tensor } from '../tensor.js';
import { rewrite } from './rewrite.js';

/**
 * Makes a cross-entropy and its gradient one op where the gradient of the loss (the weight of each token) is known
 * before the loss is: the logits, the dearest part of a small model's step, are then computed once, not twice.
 */
export function fuseLoss(graph: Graph): Graph {
  const producers = new Map<Tensor, GraphNode>();
  for (const node of graph.nodes) for (const output of node.outputs) if (output) producers.set(output, node);
  let nodes: readonly GraphNode[] = graph.nodes;
  for (const backward of graph.nodes) {
    if (backward.op !== 'linear_cross_entropy_grad') continue;
    const [dloss, h, w, labels, lse] = backward.inputs as readonly Tensor[];
    const forward = producers.get(lse!);
    if (forward?.op !== 'linear_cross_entropy' || !nodes.includes(forward)) continue;
    if ([h, w, labels].some((input, index) => input !== forward.inputs[index])) continue;
    const needed = ancestors(dloss!, producers);
    const between = nodes.slice(nodes.indexOf(forward), nodes.indexOf(backward));
    const early = between.filter((node) => needed.has(node));
    if (needed.has(forward) || readChanged(between, [...early, backward])) continue;
    const fused: GraphNode = {
      ...forward,
      op: 'linear_cross_entropy_train',
      inputs: [h!, w!, labels!, dloss!],
      outputs: [...forward.outputs, ...backward.outputs],
    };
    nodes = nodes.flatMap((node) => {
      if (node === forward) return [...early, fused];
      return node === backward || early.includes(node) ? [] : [node];
    });
  }
  return rewrite(graph, ({ copy }) => copy(), nodes);
}

/** Whether one of `readers` reads a state that an op of `between` changes, so that its place matters. */
function readChanged(between: readonly GraphNode[], readers: readonly GraphNode[]): boolean {
  const changed = new Set(
    between.flatMap((node) => changedInputs(node.op).map((index) => node.inputs[index]!)),
  );
  return readers.some((node) =>
    node.inputs.some((input) => input && changed.has(stateBehind(input) ?? input)),
  );
}

/** All ops that `tensor` is computed from. */
function ancestors(tensor: Tensor, producers: ReadonlyMap<Tensor, GraphNode>): Set<GraphNode> {
  const found = new Set<GraphNode>();
  const open = [tensor];
  for (let next = open.pop(); next; next = open.pop()) {
    const node = producers.get(next);
    if (!node || found.has(node)) continue;
    found.add(node);
    for (const input of node.inputs) if (input) open.push(input);
  }
  return found;
}
