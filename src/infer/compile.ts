import { compile, type Graph, type Program } from '../graph/index.js';

/** Below this mean work of an op, in FLOP, handing it to another thread costs more than it saves. */
const worthSharing = 250_000;

/**
 * Compiles for at most `threads`; a program of many small ops, such as decoding with a small model, runs on one. A row of
 * a batch has the same bits in any batch.
 */
export function compileForInference(graph: Graph, threads: number): Program {
  const program = compile(graph, { threads, independentRows: true });
  const isSmall = program.cost.flops / Math.max(program.ops.length, 1) < worthSharing;
  return isSmall && threads > 1 ? compile(graph, { threads: 1, independentRows: true }) : program;
}
