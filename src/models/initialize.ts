import {
  affine,
  assign,
  cast,
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
import { plainStorage, storedDtype, type WeightStorage } from './storage.js';
import type { StateStore } from './weights.js';

/**
 * A graph that gives every parameter its first value when run once with input `rng` i32[4] (seed low, seed high, 0,
 * 0). A parameter's numbers depend on the seed and its name alone, so that adding or freezing one changes no other.
 */
export function initializationGraph(
  parameters: readonly ParameterSpec[],
  storage: WeightStorage = plainStorage,
): Graph {
  const graph = new Graph();
  const rng = graph.input('rng', 'i32', [4]);
  for (const parameter of parameters) {
    graph.scope(parameter.name, () => {
      const dtype = storedDtype(storage, parameter);
      const value = initialValue(graph, rng, parameter);
      assign(graph.state(parameter.name, dtype, parameter.shape), cast(value, dtype));
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

/** The random stream of a name, its FNV-1a in 31 bits: streams below 2^20 are left to dropout and noise. */
export function streamOf(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 1) | (1 << 20);
}

/** The part of an engine session that initialisation needs. */
export interface ProgramStore extends StateStore {
  load(program: Program): { run(inputs: Record<string, TypedArray>): Promise<unknown> };
}

/**
 * Creates every parameter in the session with its first value, held as `storage` says (nothing is quantised). The same
 * seed gives the same numbers anywhere.
 */
export async function initializeWeights(
  parameters: readonly ParameterSpec[],
  session: ProgramStore,
  options: { seed: number; threads: number; storage?: WeightStorage },
): Promise<void> {
  const { seed, threads, storage = plainStorage } = options;
  for (const parameter of parameters) {
    session.setState(parameter.name, storedDtype(storage, parameter), parameter.shape, null);
  }
  const program = compile(initializationGraph(parameters, storage), { threads });
  const inputs: Record<string, TypedArray> = program.inputs.length > 0 ? { rng: rngInput(seed) } : {};
  await session.load(program).run(inputs);
}
