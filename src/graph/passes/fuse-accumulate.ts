import type { Graph } from '../graph.js';
import type { OpKey } from '../op-definition.js';
import { stateBehind } from '../storage.js';
import type { GraphNode, Tensor } from '../tensor.js';
import { countReaders } from './count-readers.js';
import { rewrite } from './rewrite.js';

/**
 * Makes a gradient and its `accumulate` into a state one op: products, lookups and the head's loss then add to the sum
 * where it lies, and the gradient itself takes no memory. Only where nothing else reads the gradient, and nothing
 * touches the state from the one op to the other.
 */
export function fuseAccumulate(graph: Graph): Graph {
  const readers = countReaders(graph);
  const producers = new Map<Tensor, number>();
  graph.nodes.forEach((node, index) => {
    for (const output of node.outputs) if (output) producers.set(output, index);
  });
  const fused = new Map<GraphNode, GraphNode>();
  const gone = new Set<GraphNode>();
  graph.nodes.forEach((node, index) => {
    if (node.op !== 'accumulate') return;
    const [state, term] = node.inputs as [Tensor, Tensor];
    const made = producers.get(term);
    if (made === undefined || readers.get(term) !== 1) return;
    const producer = graph.nodes[made]!;
    const whole = accumulating(producer, state, term);
    if (whole === null || touches(graph.nodes.slice(made, index), state)) return;
    fused.set(producer, whole);
    gone.add(node);
  });
  if (gone.size === 0) return graph;
  const nodes = graph.nodes.filter((node) => !gone.has(node)).map((node) => fused.get(node) ?? node);
  return rewrite(graph, ({ copy }) => copy(), nodes);
}

/** The op that adds what `producer` makes as `term` to `state`; null where there is none. */
function accumulating(producer: GraphNode, state: Tensor, term: Tensor): GraphNode | null {
  const { op, inputs, outputs, attributes } = producer;
  const as = (name: OpKey, changes: Partial<GraphNode> = {}): GraphNode => ({
    ...producer,
    op: name,
    inputs: [state, ...inputs],
    outputs: [],
    ...changes,
  });
  if (op === 'matmul') {
    const [a, b, bias] = inputs as readonly (Tensor | null)[];
    if (bias || a!.shape.length !== 2 || b!.shape.length !== 2 || a!.dtype !== b!.dtype) return null;
    return as('accumulate_matmul', { inputs: [state, a!, b!], attributes });
  }
  if (op === 'embedding_grad') return as('accumulate_embedding_grad', { attributes: {} });
  if (op === 'linear_cross_entropy_train' && outputs[4] === term)
    return as('accumulate_linear_cross_entropy_train', { outputs: outputs.slice(0, 4) });
  return null;
}

const touches = (nodes: readonly GraphNode[], state: Tensor): boolean =>
  nodes.some(({ inputs }) => inputs.some((input) => input && stateBehind(input) === state));
