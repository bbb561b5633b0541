import {
  affine,
  compile,
  Graph,
  gradients,
  mul,
  type Program,
  sum,
  type Tensor,
} from '../../src/graph/index.js';
import { opRows } from '../../src/graph/op-definition.js';
import { changedInputs, flattenInputs, nameInputs } from '../../src/graph/op-names.js';
import type { Arrays } from '../graph/reference/interpreter.js';
import { Data, type Given } from './data.js';
import type { NumericRow } from './row.js';

/** A program made from a row, and what it runs on. */
export interface RowProgram {
  readonly program: Program;
  readonly inputs: Readonly<Record<string, Given>>;
  readonly states: Readonly<Record<string, Given>>;
}

interface Traced {
  readonly graph: Graph;
  readonly tensors: Readonly<Record<string, Tensor | null | readonly Tensor[]>>;
  readonly outputs: readonly Tensor[];
  readonly inputs: Record<string, Given>;
  readonly states: Record<string, Given>;
}

/** A change of the traced graph before it is compiled. */
type Change = (graph: Graph) => Graph;
const asTraced: Change = (graph) => graph;

/** The op alone, all its outputs given out. `inPlace`: input 0 is made inside the program, so that it may be reused. */
export function forwardProgram(
  row: NumericRow,
  threads: number,
  { inPlace = false, change = asTraced }: { inPlace?: boolean; change?: Change } = {},
): RowProgram {
  const { graph, outputs, inputs, states } = trace(row, inPlace);
  outputs.forEach((output, index) => {
    graph.output(`output${index}`, output);
  });
  return { program: compile(change(graph), { threads }), inputs, states };
}

/**
 * loss = sum(output 0 * a random tensor), and its gradient by every tensor of `row.gradient` under the names that
 * `gradientNames` gives.
 */
export function gradientProgram(row: NumericRow, threads: number, change = asTraced): RowProgram {
  const { graph, tensors, outputs, inputs, states } = trace(row, false);
  const output = outputs[0]!;
  inputs.cotangent = new Data(99).normal(output.shape);
  const loss = sum(mul(output, graph.input('cotangent', 'f32', output.shape)));
  graph.output('loss', loss);
  const wanted = row.gradient.flatMap((name) => tensors[name] as Tensor | readonly Tensor[]);
  const names = gradientNames(row);
  gradients(loss, wanted).forEach((gradient, index) => {
    if (!gradient) throw new Error(`${row.op}: no gradient for ${names[index]}`);
    graph.output(`gradient of ${names[index]}`, gradient);
  });
  return { program: compile(change(graph), { threads }), inputs, states };
}

/** Program inputs whose gradient the row wants: `x`, or `x0`, `x1` of a variadic input. */
export function gradientNames(row: NumericRow): string[] {
  return row.gradient.flatMap((name) => {
    const given = row.inputs[name];
    return Array.isArray(given) ? given.map((_, index) => `${name}${index}`) : [name];
  });
}

export function arraysOf(given: Readonly<Record<string, Given>>): Arrays {
  return Object.fromEntries(Object.entries(given).map(([name, { values }]) => [name, values]));
}

function trace(row: NumericRow, inPlace: boolean): Traced {
  const graph = new Graph();
  const inputs: Record<string, Given> = {};
  const states: Record<string, Given> = {};
  const changed = changedInputs(row.op).map((index) => opRows[row.op].inputs[index]!.slice(0, -1));
  const tensorFor = (name: string, given: Given): Tensor => {
    const isState = changed.includes(name);
    (isState ? states : inputs)[name] = given;
    return isState
      ? graph.state(name, given.dtype, given.shape)
      : graph.input(name, given.dtype, given.shape);
  };
  const tensors: Record<string, Tensor | null | readonly Tensor[]> = {};
  for (const [name, given] of Object.entries(row.inputs)) {
    tensors[name] = Array.isArray(given)
      ? (given as readonly Given[]).map((part, index) => tensorFor(`${name}${index}`, part))
      : given && tensorFor(name, given as Given);
  }
  const saved = Object.fromEntries(
    Object.entries(row.saved).map(([name, given]) => [name, tensorFor(name, given)]),
  );
  const flat = flattenInputs<Tensor>(row.op, tensors);
  if (inPlace) flat[0] = affine(flat[0]!, 0.5, 0);
  const attributes = row.attributes as Parameters<Graph['emitFlat']>[2];
  const node = graph.scope('row', () => graph.emitFlat(row.op, flat, attributes, 'row', saved));
  return {
    graph,
    tensors: nameInputs(row.op, flat),
    outputs: node.outputs.filter((output) => output !== null),
    inputs,
    states,
  };
}
