import type { Graph } from '../graph.js';
import type { Tensor } from '../tensor.js';

/** How many ops and outputs of the program read each tensor. */
export function countReaders(graph: Graph): Map<Tensor, number> {
  const counts = new Map<Tensor, number>();
  const read = (tensor: Tensor) => counts.set(tensor, (counts.get(tensor) ?? 0) + 1);
  for (const { inputs } of graph.nodes) for (const input of inputs) if (input) read(input);
  for (const output of graph.outputs.values()) read(output);
  return counts;
}
