import { SluiceError } from '../errors.js';
import type { Graph } from './graph.js';
import { castToBf16 } from './passes/cast.js';
import { shareCommon } from './passes/common.js';
import { dropDeadCode } from './passes/dead-code.js';
import { fuseAccumulate } from './passes/fuse-accumulate.js';
import { fuseLoss } from './passes/fuse-loss.js';
import { fuseProducts } from './passes/fuse-products.js';
import { type RecomputeOptions, recompute } from './passes/recompute.js';
import { hoistEffects } from './passes/schedule.js';
import { simplify } from './passes/simplify.js';
import { planMemory } from './plan.js';
import { buildProgram, type Program } from './program.js';
import { effectOrder, verify } from './verify.js';

export interface CompileOptions {
  /** Threads the program will run with; part of it, because scratch may depend on it. */
  threads: number;
  /** bf16: products take bf16 operands and large intermediates are stored as bf16; states stay as they are. */
  dtype?: 'fp32' | 'bf16';
  /** What the backward pass makes again instead of holding it. Default: nothing. */
  recompute?: RecomputeOptions;
  /**
   * Whether a row of a batch must have the same bits whatever the other rows: products then add in an order of their
   * own, which costs large ones some speed. For scoring and generation.
   */
  independentRows?: boolean;
}

type Pass = (graph: Graph, options: CompileOptions) => Graph;

const passes: Record<string, Pass> = {
  simplify,
  shareCommon,
  dropDeadCode,
  fuseLoss,
  fuseProducts,
  castToBf16: (graph, { dtype }) => (dtype === 'bf16' ? castToBf16(graph) : graph),
  hoistEffects,
  fuseAccumulate,
  recompute: (graph, options) => (options.recompute ? recompute(graph, options.recompute) : graph),
};

/**
 * Makes a program of a traced graph: passes, each checked, then a place in one arena for every intermediate.
 * The graph itself is left as it is. Throws `graph.broken` if a pass breaks it.
 */
export function compile(graph: Graph, options: CompileOptions): Program {
  verify(graph, 'tracing');
  const effects = effectOrder(graph);
  let current = graph;
  for (const [name, pass] of Object.entries(passes)) {
    current = pass(current, options);
    verify(current, name);
    if (effectOrder(current) !== effects) {
      throw new SluiceError('graph.broken', `after ${name}: the changes of state are not the traced ones`);
    }
  }
  return buildProgram(current, planMemory(current, options.threads), options);
}
