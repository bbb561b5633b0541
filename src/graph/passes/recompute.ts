import type { Graph } from '../graph.js';
import { isVirtual } from '../op-definition.js';
import { planMemory } from '../plan.js';
import { isGradient, recomputedScope } from '../scope.js';
import { type GraphNode, Tensor } from '../tensor.js';
import { equivalentFlops, type Recomputation, recomputations } from './recompute-order.js';
import { rewrite } from './rewrite.js';

/**
 * `none`: all that the backward pass reads is held from the forward pass on. `full`: of every layer only what other
 * layers read is held. `auto`: forgets what is nearly free to make again, and further, cheapest first, until the
 * program fits.
 */
export type RecomputeMode = 'auto' | 'full' | 'none';

export interface RecomputeOptions {
  mode: Exclude<RecomputeMode, 'none'>;
  /** What the arena may hold; `auto` stops as soon as it does. Default: no limit. */
  arenaBytes?: number;
}

/** Nearly free: at most so many FLOPs for each byte freed, and at most this share of the whole program's. */
const freeFlopsPerByte = 100;
const freeShare = 0.03;

/** `auto` leaves alone what frees less than this share of all that is held: such ops are many and small. */
const leastShare = 0.001;

/**
 * Drops results of the forward pass and makes them again right before the backward pass needs them: the same ops on the
 * same inputs, so the same bits, those of random streams too. Comes last, for sharing equal ops would undo it.
 */
export function recompute(graph: Graph, { mode, arenaBytes = Infinity }: RecomputeOptions): Graph {
  const order = merged(recomputations(graph, mode === 'full' ? 0 : leastShare));
  const first = (count: number) =>
    forget(graph, new Set(order.slice(0, count).flatMap(({ nodes }) => nodes)));
  if (mode === 'full') return first(order.length);
  const free = countFree(order, graph);
  if (arenaBytes === Infinity) return first(free);
  return smallestThatFits(
    free,
    order.length,
    first,
    (candidate) => planMemory(candidate, 1).arenaBytes <= arenaBytes,
  );
}

/** One order of all layers' steps, each layer's kept: the most bytes per cost first, among equals the earliest layer. */
function merged(layers: readonly (readonly Recomputation[])[]): Recomputation[] {
  const next = layers.map(() => 0);
  const order: Recomputation[] = [];
  for (;;) {
    let best = -1;
    layers.forEach((steps, layer) => {
      const step = steps[next[layer]!];
      if (!step) return;
      const rival = best < 0 ? null : layers[best]![next[best]!]!;
      if (rival === null || step.freed * rival.cost > rival.freed * step.cost) best = layer;
    });
    if (best < 0) return order;
    order.push(layers[best]![next[best]!]!);
    next[best]! += 1;
  }
}

function countFree(order: readonly Recomputation[], graph: Graph): number {
  let left = freeShare * graph.nodes.reduce((sum, node) => sum + equivalentFlops(node), 0);
  const end = order.findIndex(({ cost, freed }) => {
    left -= cost;
    return left < 0 || cost > freeFlopsPerByte * freed;
  });
  return end < 0 ? order.length : end;
}

/** The graph of the smallest count in low .. high that fits; more recomputation is taken to need less memory. */
function smallestThatFits(
  low: number,
  high: number,
  make: (count: number) => Graph,
  fits: (graph: Graph) => boolean,
): Graph {
  let best = make(low);
  if (fits(best)) return best;
  best = make(high);
  for (let [below, above] = [low, high]; above - below > 1; ) {
    const middle = (below + above) >> 1;
    const graph = make(middle);
    if (fits(graph)) [above, best] = [middle, graph];
    else below = middle;
  }
  return best;
}

/** The graph in which the backward pass reads copies of `dropped`, each made right before its first reader. */
function forget(graph: Graph, dropped: ReadonlySet<GraphNode>): Graph {
  const copies = new Map<Tensor, Tensor>();
  const nodes: GraphNode[] = [];
  const isDropped = ({ source }: Tensor): boolean => {
    if (source.kind !== 'node' || isGradient(source.node.scope)) return false;
    return dropped.has(source.node) || (isVirtual(source.node.op) && isDropped(source.node.inputs[0]!));
  };
  const again = (tensor: Tensor | null): Tensor | null => {
    if (tensor === null || !isDropped(tensor)) return tensor;
    if (!copies.has(tensor) && tensor.source.kind === 'node') repeat(tensor.source.node);
    return copies.get(tensor)!;
  };
  const repeat = (node: GraphNode): void => {
    const outputs: (Tensor | null)[] = [];
    const scope = recomputedScope(node.scope);
    const copy: GraphNode = { ...node, inputs: node.inputs.map(again), outputs, scope };
    for (const output of node.outputs) {
      const made =
        output &&
        new Tensor(graph, output.id, output.shape, output.dtype, scope, { kind: 'node', node: copy });
      outputs.push(made);
      if (output && made) copies.set(output, made);
    }
    nodes.push(copy);
  };
  for (const node of graph.nodes) {
    nodes.push(isGradient(node.scope) ? { ...node, inputs: node.inputs.map(again) } : node);
  }
  return rewrite(graph, ({ copy }) => copy(), nodes);
}
