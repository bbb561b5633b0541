import { opCost, typeBytes } from '../cost.js';
import type { Graph } from '../graph.js';
import { isVirtual } from '../op-definition.js';
import { changedInputs, hasTrait } from '../op-names.js';
import { isGradient } from '../scope.js';
import { stateBehind } from '../storage.js';
import type { GraphNode, Tensor } from '../tensor.js';

/** Some ops whose results are forgotten after the forward pass together, and made again for the backward pass. */
export interface Recomputation {
  readonly nodes: readonly GraphNode[];
  /** Bytes that are not held from the forward to the backward pass. */
  readonly freed: number;
  /** What making them again costs: FLOPs, and each byte moved as as many FLOPs as take its time. */
  readonly cost: number;
}

/** FLOPs of a matrix product that take the time of moving one byte: about 200 GFLOP/s against 16 GB/s. */
const flopsPerByte = 12;

export function equivalentFlops(node: GraphNode): number {
  if (isVirtual(node.op)) return 0;
  const { flops, bytes } = opCost(node, 1);
  return flops + flopsPerByte * bytes;
}

/**
 * What a layer's ops (those whose scope begins with the same `….<number>`) can do again in the backward pass, layer by
 * layer, each in the order of bytes freed per cost. What other layers read, the input of the next one above all, is
 * held; so recomputing never goes back further than to the start of its layer. Steps that free less than `leastShare` of
 * all that is held are left out.
 */
export function recomputations(graph: Graph, leastShare: number): Recomputation[][] {
  const uses = new Uses(graph);
  const held = graph.nodes.filter((node) => uses.isHeld(node));
  const least = leastShare * held.reduce((sum, node) => sum + uses.heldBytes(node), 0);
  const layers = new Map<string, GraphNode[]>();
  for (const node of held) {
    if (uses.heldBytes(node) < least) continue;
    const layer = layerOf(node)!;
    layers.set(layer, [...(layers.get(layer) ?? []), node]);
  }
  return [...layers.values()].map((nodes) => cheapestFirst(nodes, uses));
}

function cheapestFirst(candidates: readonly GraphNode[], uses: Uses): Recomputation[] {
  const order: Recomputation[] = [];
  const dropped = new Set<GraphNode>();
  const prolonged = new Set<Tensor>(); // of other layers, held for what is dropped
  const open = new Set(candidates);
  while (open.size > 0) {
    let best: { node: GraphNode; step: Recomputation; sources: readonly Tensor[] } | null = null;
    for (const node of open) {
      const again = uses.toMakeAgain(node, dropped);
      if (again === null) {
        open.delete(node);
        continue;
      }
      const { nodes } = again;
      const sources = again.sources.filter((source) => !prolonged.has(source));
      const cost = nodes.reduce((sum, other) => sum + equivalentFlops(other), 0);
      const freed = uses.heldBytes(node) - sources.reduce((sum, source) => sum + typeBytes(source), 0);
      if (freed <= 0) continue;
      if (best === null || freed * best.step.cost > best.step.freed * cost)
        best = { node, step: { nodes, freed, cost }, sources };
    }
    if (best === null) break;
    open.delete(best.node);
    for (const node of best.step.nodes) dropped.add(node);
    for (const source of best.sources) prolonged.add(source);
    order.push(best.step);
  }
  return order;
}

const layerPattern = /^(?:.*?\.)?\d+(?=\.|$)/;

const layerOf = ({ scope }: GraphNode): string | null => layerPattern.exec(scope)?.[0] ?? null;

const producer = ({ source }: Tensor): GraphNode | null => (source.kind === 'node' ? source.node : null);

/** Who reads what, in the forward pass and in the backward pass. */
class Uses {
  /** First op of the backward pass that reads a node's result, by place in the program. */
  readonly #firstLate = new Map<GraphNode, number>();
  /** Outputs that the backward pass reads, as themselves or reshaped. */
  readonly #lateRead = new Set<Tensor>();
  /** Ops whose results are read outside their layer or are the program's: they are always held. */
  readonly #shared = new Set<GraphNode>();
  readonly #changed = new Map<Tensor, number>();

  constructor(graph: Graph) {
    for (const output of graph.outputs.values()) this.#share(output);
    for (let place = graph.nodes.length - 1; place >= 0; place -= 1) {
      const node = graph.nodes[place]!;
      for (const index of changedInputs(node.op)) this.#changed.set(node.inputs[index]!, place);
      for (const input of node.inputs) if (input) this.#read(input, node, place);
    }
  }

  #read(input: Tensor, reader: GraphNode, place: number): void {
    const maker = producer(input);
    if (maker === null || isGradient(maker.scope)) return;
    if (isGradient(reader.scope)) this.#readLate(input, maker, place);
    else if (layerOf(reader) !== layerOf(maker) || this.#sharedView(reader)) this.#share(input);
    else if (isVirtual(reader.op) && this.#firstLate.has(reader)) {
      this.#readLate(input, maker, this.#firstLate.get(reader)!);
    }
  }

  #readLate(input: Tensor, maker: GraphNode, place: number): void {
    this.#firstLate.set(maker, Math.min(place, this.#firstLate.get(maker) ?? place));
    this.#lateRead.add(input);
  }

  #sharedView = (reader: GraphNode) => isVirtual(reader.op) && this.#shared.has(reader);

  #share(tensor: Tensor): void {
    const maker = producer(tensor);
    if (maker !== null) this.#shared.add(maker);
  }

  /** Whether the node's results wait in memory for the backward pass, and need not. */
  isHeld(node: GraphNode): boolean {
    return (
      this.#firstLate.has(node) &&
      !isVirtual(node.op) &&
      !isGradient(node.scope) &&
      !this.#shared.has(node) &&
      layerOf(node) !== null
    );
  }

  heldBytes(node: GraphNode): number {
    return node.outputs.reduce(
      (sum, output) => sum + (output && this.#lateRead.has(output) ? typeBytes(output) : 0),
      0,
    );
  }

  /**
   * The node and what is forgotten anyway on the way to it, and what of other layers must then be held that else need not be;
   * null where it cannot be made again as it was.
   */
  toMakeAgain(
    node: GraphNode,
    dropped: ReadonlySet<GraphNode>,
  ): { nodes: GraphNode[]; sources: Tensor[] } | null {
    const place = this.#firstLate.get(node)!;
    const found = new Set<GraphNode>();
    const sources = new Set<Tensor>();
    const visit = (at: GraphNode): boolean => {
      if (dropped.has(at) || found.has(at)) return true;
      if (hasTrait(at.op, 'effect')) return false;
      found.add(at);
      return at.inputs.every((input) => {
        if (input === null) return true;
        const state = stateBehind(input);
        if (state !== null && (this.#changed.get(state) ?? Infinity) < place) return false;
        const maker = producer(input);
        if (maker === null || isGradient(maker.scope)) return true;
        if (this.#shared.has(maker)) {
          if (!this.#lateRead.has(input)) sources.add(input);
          return true;
        }
        return (this.isHeld(maker) && !dropped.has(maker)) || visit(maker);
      });
    };
    return visit(node) ? { nodes: [...found], sources: [...sources] } : null;
  }
}
