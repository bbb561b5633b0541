import type { Program, ProgramValue } from '../../../src/graph/index.js';
import type { OpName } from '../../../src/graph/op-list.js';
import { nameInputs, nameOutputs } from '../../../src/graph/op-names.js';
import { type RefArray, refArray } from './array.js';
import { attentionKernels } from './attention.js';
import { elementwiseKernels } from './elementwise.js';
import { indexedKernels } from './indexed.js';
import type { Kernels } from './kernel.js';
import { lossKernels } from './loss.js';
import { matmulKernels } from './matmul.js';
import { moeKernels } from './moe.js';
import { normKernels } from './norm.js';
import { optimizerKernels } from './optimizer.js';
import { randomKernels } from './random.js';
import { reduceKernels } from './reduce.js';
import { shapeKernels } from './shape.js';

const kernels: Kernels<OpName> = {
  ...elementwiseKernels,
  ...reduceKernels,
  ...shapeKernels,
  ...indexedKernels,
  ...matmulKernels,
  ...normKernels,
  ...attentionKernels,
  ...lossKernels,
  ...moeKernels,
  ...randomKernels,
  ...optimizerKernels,
};

type LooseKernel = (
  inputs: Readonly<Record<string, RefArray | null | readonly RefArray[]>>,
  outputs: Readonly<Record<string, RefArray | null>>,
  attributes: ProgramAttributes,
) => void;
type ProgramAttributes = Program['ops'][number]['attributes'];

export type Arrays = Readonly<Record<string, ArrayLike<number>>>;

/**
 * Runs a program in float64 with obvious loops: the judge of the native engine and of the gradient rules. Every value
 * has memory of its own here, so a wrong memory plan shows as a difference. `states` are left as they are; the changed
 * ones come back.
 */
export function interpret(program: Program, inputs: Arrays, states: Arrays = {}) {
  const values: RefArray[] = [];
  const given = (kind: string, from: Arrays, name: string): ArrayLike<number> => {
    const data = from[name];
    if (!data) throw new Error(`no ${kind} ${name}`);
    return data;
  };
  const make = (value: ProgramValue): RefArray => {
    const { shape, dtype } = value;
    if (value.kind === 'alias') return { shape, dtype, data: values[value.base]!.data };
    if (value.kind === 'const') return refArray(shape, dtype, value.values);
    if (value.kind === 'temp') return refArray(shape, dtype);
    return refArray(shape, dtype, given(value.kind, value.kind === 'input' ? inputs : states, value.name));
  };
  for (const value of program.values) values.push(make(value));
  for (const { op, inputs: from, outputs: to, attributes } of program.ops) {
    const pick = (ids: readonly (number | null)[]) => ids.map((id) => (id === null ? null : values[id]!));
    (kernels[op] as unknown as LooseKernel)(
      nameInputs(op, pick(from)),
      nameOutputs(op, pick(to)),
      attributes,
    );
  }
  return {
    outputs: Object.fromEntries(program.outputs.map(({ name, value }) => [name, values[value]!.data])),
    states: Object.fromEntries(
      program.values.flatMap((value, id) => (value.kind === 'state' ? [[value.name, values[id]!.data]] : [])),
    ) as Record<string, Float64Array>,
  };
}
