import { scratchBytes, typeBytes } from './cost.js';
import type { Graph } from './graph.js';
import { isVirtual } from './op-definition.js';
import { hasTrait } from './op-names.js';
import { sameShape } from './shape.js';
import { storageRoot } from './storage.js';
import type { GraphNode, Tensor } from './tensor.js';

/** A piece of the arena, used from op `first` to op `last`, both included. */
export interface Block {
  readonly bytes: number;
  readonly first: number;
  last: number;
  offset: number;
}

export interface MemoryPlan {
  /** The arena must hold this many bytes. */
  readonly arenaBytes: number;
  /** What the ops need at the moment they need most: no placement can be smaller. */
  readonly lowerBoundBytes: number;
  /** Block of every tensor that is not an alias. */
  readonly blocks: ReadonlyMap<Tensor, Block>;
  readonly scratch: ReadonlyMap<GraphNode, Block>;
}

/** Arena offsets are multiples of this: a cache line, and what vector loads like. */
const alignment = 64;
const aligned = (bytes: number) => Math.ceil(bytes / alignment) * alignment;

/** Gives every intermediate and every op's scratch a place in one arena; those that never live together may share it. */
export function planMemory(graph: Graph, threads: number): MemoryPlan {
  const nodes = graph.nodes.filter((node) => !isVirtual(node.op));
  const blocks = new Map<Tensor, Block>();
  const scratch = new Map<GraphNode, Block>();
  const lastUse = lastUses(graph, nodes);
  const all: Block[] = [];
  const block = (bytes: number, first: number, last: number): Block => {
    const made = { bytes: aligned(bytes), first, last, offset: 0 };
    all.push(made);
    return made;
  };
  nodes.forEach((node, index) => {
    const reused = reusableInput(node, index, lastUse, blocks);
    node.outputs.forEach((output, position) => {
      if (!output) return;
      const last = lastUse.get(output) ?? index;
      if (reused && position === 0) {
        reused.last = Math.max(reused.last, last);
        blocks.set(output, reused);
      } else {
        blocks.set(output, block(typeBytes(output), index, last));
      }
    });
    const bytes = scratchBytes(node, threads);
    if (bytes > 0) scratch.set(node, block(bytes, index, index));
  });
  return { arenaBytes: place(all), lowerBoundBytes: mostAlive(all, nodes.length), blocks, scratch };
}

/** Index of the last op that reads each storage; outputs of the program are read after the last op. */
function lastUses(graph: Graph, nodes: readonly GraphNode[]): Map<Tensor, number> {
  const last = new Map<Tensor, number>();
  nodes.forEach((node, index) => {
    for (const input of node.inputs) if (input) last.set(storageRoot(input), index);
  });
  for (const output of graph.outputs.values()) last.set(storageRoot(output), nodes.length);
  return last;
}

/** The block of input 0 when output 0 may be written over it: it dies here and nothing else of this op lies in it. */
function reusableInput(
  node: GraphNode,
  index: number,
  lastUse: ReadonlyMap<Tensor, number>,
  blocks: ReadonlyMap<Tensor, Block>,
): Block | null {
  const [input, ...others] = node.inputs;
  const output = node.outputs[0];
  if (!input || !output || !hasTrait(node.op, 'inplace')) return null;
  if (input.dtype !== output.dtype || !sameShape(input.shape, output.shape)) return null;
  const block = blocks.get(storageRoot(input));
  if (!block || block.last !== index || lastUse.get(storageRoot(input)) !== index) return null;
  const shared = others.some(
    (other) => other && blocks.get(storageRoot(other)) === block && !sameShape(other.shape, input.shape),
  );
  return shared ? null : block;
}

/** Sets the offsets by trying a few orders and keeping the smallest arena; returns its size. */
function place(blocks: readonly Block[]): number {
  const span = (block: Block) => block.last - block.first + 1;
  const orders: ((a: Block, b: Block) => number)[] = [
    (a, b) => b.bytes - a.bytes || span(b) - span(a) || a.first - b.first,
    (a, b) => b.bytes * span(b) - a.bytes * span(a) || a.first - b.first,
    (a, b) => span(b) - span(a) || b.bytes - a.bytes || a.first - b.first,
  ];
  let best = { size: Infinity, offsets: [] as number[] };
  for (const order of orders) {
    const size = placeInOrder(blocks.toSorted(order));
    if (size < best.size) best = { size, offsets: blocks.map((block) => block.offset) };
  }
  blocks.forEach((block, index) => {
    block.offset = best.offsets[index]!;
  });
  return blocks.length === 0 ? 0 : best.size;
}

/** Each block into the tightest gap between those that live at the same time and are placed already. */
function placeInOrder(blocks: readonly Block[]): number {
  const placed: Block[] = []; // by offset
  let size = 0;
  for (const block of blocks) {
    let end = 0; // of what was passed so far
    let best = { offset: -1, gap: Infinity };
    for (const other of placed) {
      if (other.last < block.first || other.first > block.last) continue;
      const gap = other.offset - end;
      if (gap >= block.bytes && gap < best.gap) best = { offset: end, gap };
      end = Math.max(end, other.offset + other.bytes);
    }
    block.offset = best.offset >= 0 ? best.offset : end;
    size = Math.max(size, block.offset + block.bytes);
    const after = placed.findIndex((other) => other.offset > block.offset);
    placed.splice(after < 0 ? placed.length : after, 0, block);
  }
  return size;
}

function mostAlive(blocks: readonly Block[], steps: number): number {
  const change = new Array<number>(steps + 2).fill(0);
  for (const { bytes, first, last } of blocks) {
    change[first]! += bytes;
    change[last + 1]! -= bytes;
  }
  let alive = 0;
  let most = 0;
  for (const bytes of change) {
    alive += bytes;
    most = Math.max(most, alive);
  }
  return most;
}
