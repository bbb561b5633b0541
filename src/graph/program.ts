import type { CompileOptions } from './compile.js';
import { type Cost, opCost, totalCost, typeBytes } from './cost.js';
import type { Graph } from './graph.js';
import { type Attributes, isVirtual, type TensorType } from './op-definition.js';
import type { OpName } from './op-list.js';
import type { MemoryPlan } from './plan.js';
import { isRecomputed } from './scope.js';
import type { Tensor } from './tensor.js';
import { printProgram } from './text.js';

/** A value of a program; its id is its place in `Program.values`. */
export type ProgramValue = TensorType &
  (
    | { readonly kind: 'state' | 'input'; readonly name: string }
    | { readonly kind: 'const'; readonly values: readonly number[] }
    | { readonly kind: 'temp'; readonly offset: number }
    | { readonly kind: 'alias'; readonly base: number }
  );

export interface ProgramOp {
  readonly op: OpName;
  readonly inputs: readonly (number | null)[];
  readonly outputs: readonly (number | null)[];
  readonly attributes: Attributes;
  readonly scratch: { readonly offset: number; readonly bytes: number } | null;
  readonly scope: string;
}

/** The part of a program that its text holds. */
export interface ProgramBody {
  readonly threads: number;
  /** One block of memory that holds every intermediate and all scratch. */
  readonly arenaBytes: number;
  /** A row of a batch has the same bits whatever the other rows are, and however many. */
  readonly independentRows: boolean;
  readonly values: readonly ProgramValue[];
  readonly outputs: readonly { readonly name: string; readonly value: number }[];
  readonly ops: readonly ProgramOp[];
}

export interface NamedType extends TensorType {
  readonly name: string;
}

/** A flat list of ops with fixed shapes and planned memory: all that crosses to the native engine. */
export interface Program extends ProgramBody {
  readonly text: string;
  readonly inputs: readonly NamedType[];
  readonly states: readonly NamedType[];
  readonly outputTypes: readonly NamedType[];
  readonly stateBytes: number;
  readonly inputBytes: number;
  /** Of the formulas: what is computed a second time to save memory is counted once. */
  readonly cost: Cost;
  /** Of the ops that make intermediates again for the backward pass. */
  readonly recomputed: Cost;
  /** Cost of each op, in the order of `ops`. */
  readonly opCosts: readonly Cost[];
}

/** Numbers the values of a planned graph: states, inputs, constants, then what ops make, in program order. */
export function buildProgram(
  graph: Graph,
  plan: MemoryPlan,
  { threads, independentRows = false }: CompileOptions,
): Program {
  const values: ProgramValue[] = [];
  const ids = new Map<Tensor, number>();
  const define = (tensor: Tensor, value: ProgramValue): number => {
    ids.set(tensor, values.length);
    return values.push(value) - 1;
  };
  const idOf = (tensor: Tensor): number => ids.get(tensor) ?? define(tensor, leaf(tensor));
  for (const tensor of [...graph.states.values(), ...graph.inputs.values()]) idOf(tensor);
  for (const node of graph.nodes) {
    for (const input of node.inputs) if (input?.source.kind === 'const') idOf(input);
  }
  const ops: ProgramOp[] = [];
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((input) => input && idOf(input));
    if (isVirtual(node.op)) {
      const { shape, dtype } = node.outputs[0]!;
      define(node.outputs[0]!, { kind: 'alias', base: inputs[0]!, shape, dtype });
      continue;
    }
    const outputs = node.outputs.map((output) => {
      if (!output) return null;
      const { shape, dtype } = output;
      return define(output, { kind: 'temp', offset: plan.blocks.get(output)!.offset, shape, dtype });
    });
    const scratch = plan.scratch.get(node) ?? null;
    ops.push({
      op: node.op as OpName,
      inputs,
      outputs,
      attributes: node.attributes,
      scratch: scratch && { offset: scratch.offset, bytes: scratch.bytes },
      scope: node.scope,
    });
  }
  const outputs = [...graph.outputs].map(([name, tensor]) => ({ name, value: idOf(tensor) }));
  return completeProgram({ threads, arenaBytes: plan.arenaBytes, independentRows, values, outputs, ops });
}

/** Adds what follows from the body: text, named types, sizes and cost. */
export function completeProgram(body: ProgramBody): Program {
  const { values, outputs, ops, threads } = body;
  const named = (kind: 'state' | 'input') =>
    values.flatMap((value) =>
      value.kind === kind ? [{ name: value.name, shape: value.shape, dtype: value.dtype }] : [],
    );
  const types = (ids: readonly (number | null)[]) => ids.map((id) => (id === null ? null : values[id]!));
  const opCosts = ops.map((op) =>
    opCost({ ...op, inputs: types(op.inputs), outputs: types(op.outputs) }, threads),
  );
  const costsOf = (again: boolean) => opCosts.filter((_, index) => isRecomputed(ops[index]!.scope) === again);
  const [inputs, states] = [named('input'), named('state')];
  return {
    ...body,
    text: printProgram(body),
    inputs,
    states,
    outputTypes: outputs.map(({ name, value }) => {
      const { shape, dtype } = values[value]!;
      return { name, shape, dtype };
    }),
    stateBytes: states.reduce((sum, type) => sum + typeBytes(type), 0),
    inputBytes: inputs.reduce((sum, type) => sum + typeBytes(type), 0),
    cost: totalCost(costsOf(false)),
    recomputed: totalCost(costsOf(true)),
    opCosts,
  };
}

function leaf({ source, shape, dtype, id }: Tensor): ProgramValue {
  if (source.kind === 'node') throw new Error(`tensor ${id} is used before it is made`); // verify() comes first
  return source.kind === 'const'
    ? { kind: 'const', values: source.values, shape, dtype }
    : { kind: source.kind, name: source.name, shape, dtype };
}
