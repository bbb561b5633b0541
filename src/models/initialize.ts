import {
  affine,
  assign,
  compile,
  full,
  Graph,
  type Program,
  randomNormal,
  randomUniform,
  type Tensor,
  type TypedArray,
} from '../graph/index.js';
import type { ParameterSpec } from './parameter.js';
import type { StateStore } from './weights.js';

/**
 * A graph that gives every parameter its first value when run once with input `rng` i32[4] (seed low, seed high, 0,
 * 0). A parameter's numbers depend on the seed and its name alone, so that adding or freezing one changes no other.
 */
export function initializationGraph(parameters: readonly ParameterSpec[]): Graph {
  const graph = new Graph();
  const rng = graph.input('rng', 'i32', [4]);
  for (const parameter of parameters) {
    graph.scope(parameter.name, () => {
      assign(graph.state(parameter.name, 'f32', parameter.shape), initialValue(graph, rng, parameter));
    });
  }
  return graph;
}

function initialValue(graph: Graph, rng: Tensor, { name, shape, init }: ParameterSpec): Tensor {
  if (init.kind === 'constant') return full(graph, [...shape], init.value);
  const stream = streamOf(name);
  if (init.kind === 'uniform') {
    return affine(randomUniform(graph, rng, shape, stream), 2 * init.bound, -init.bound);
  }
  return affine(randomNormal(graph, rng, shape, stream), init.std, init.mean);
}

/** The four numbers that `rng` takes for a seed. */
export function rngInput(seed: number, step = 0): Int32Array {
  return Int32Array.of(seed | 0, Math.floor(seed / 2 ** 32) | 0, step, 0);
}

/** FNV-1a of the name, 31 bits: streams below 2^20 are left to dropout and noise. */
function streamOf(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 1) | (1 << 20);
}

/** The part of an engine session that initialisation needs. */
export interface ProgramStore extends StateStore {
  load(program: Program): { run(inputs: Record<string, TypedArray>): Promise<unknown> };
}

/** Creates every parameter in the session with its first value. The same seed gives the same numbers anywhere. */
export async function initializeWeights(
  parameters: readonly ParameterSpec[],
  session: ProgramStore,
  options: { seed: number; threads: number },
): Promise<void> {
  for (const { name, shape } of parameters) session.setState(name, 'f32', shape, null);
  const program = compile(initializationGraph(parameters), { threads: options.threads });
  const inputs: Record<string, TypedArray> = program.inputs.length > 0 ? { rng: rngInput(options.seed) } : {};
  await session.load(program).run(inputs);
}
