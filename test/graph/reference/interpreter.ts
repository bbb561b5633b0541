import { elementCount, type Program, type ProgramValue } from '../../../src/graph/index.js';
import type { OpName } from '../../../src/graph/op-list.js';
import { nameInputs, nameOutputs } from '../../../src/graph/op-names.js';
import { type RefArray, refArray } from './array.js';
import { attentionKernels } from './attention.js';
import { elementwiseKernels, roundToBf16 } from './elementwise.js';
import { indexedKernels } from './indexed.js';
import type { Kernels } from './kernel.js';
import { lossKernels } from './loss.js';
import { matmulKernels } from './matmul.js';
import { moeKernels } from './moe.js';
import { normKernels } from './norm.js';
import { optimizerKernels } from './optimizer.js';
import { quantizedKernels } from './quantized.js';
import { randomKernels } from './random.js';
import { reduceKernels } from './reduce.js';
import { shapeKernels } from './shape.js';

const kernels: Kernels<OpName> = {
  ...elementwiseKernels,
  ...reduceKernels,
  ...shapeKernels,
  ...indexedKernels,
  ...matmulKernels,
  ...quantizedKernels,
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
 * has memory of its own, unless `inArena`: then intermediates lie where the plan puts them and scratch is spoilt, so
 * that a wrong plan gives other results. `states` are left as they are; the changed ones come back.
 */
export function interpret(
  program: Program,
  inputs: Arrays,
  states: Arrays = {},
  options: { inArena?: boolean } = {},
) {
  const values: RefArray[] = [];
  const arena = new Float64Array(program.arenaBytes / 4).fill(NaN); // an element of arena per f32 or i32
  const inArena = options.inArena ?? false;
  const given = (kind: string, from: Arrays, name: string): ArrayLike<number> => {
    const data = from[name];
    if (!data) throw new Error(`no ${kind} ${name}`);
    return data;
  };
  const make = (value: ProgramValue): RefArray => {
    const { shape, dtype } = value;
    if (value.kind === 'alias') return { shape, dtype, data: values[value.base]!.data };
    if (value.kind === 'const') return refArray(shape, dtype, value.values);
    if (value.kind === 'temp') {
      if (!inArena) return refArray(shape, dtype);
      return { shape, dtype, data: arena.subarray(value.offset / 4, value.offset / 4 + elementCount(shape)) };
    }
    return refArray(shape, dtype, given(value.kind, value.kind === 'input' ? inputs : states, value.name));
  };
  for (const value of program.values) values.push(make(value));
  for (const { op, inputs: from, outputs: to, attributes, scratch } of program.ops) {
    const operands = from.map((id) => (id === null ? null : values[id]!));
    // Results are made aside and stored after: a kernel here may read an input it would else have overwritten.
    const results = to.map((id) => (id === null ? null : refArray(values[id]!.shape, values[id]!.dtype)));
    if (scratch) arena.fill(NaN, scratch.offset / 4, (scratch.offset + scratch.bytes) / 4);
    (kernels[op] as unknown as LooseKernel)(nameInputs(op, operands), nameOutputs(op, results), attributes);
    to.forEach((id, index) => {
      if (id === null) return;
      const narrow = values[id]!.dtype === 'bf16';
      values[id]!.data.set(narrow ? results[index]!.data.map(roundToBf16) : results[index]!.data);
    });
  }
  return {
    outputs: Object.fromEntries(program.outputs.map(({ name, value }) => [name, values[value]!.data])),
    states: Object.fromEntries(
      program.values.flatMap((value, id) => (value.kind === 'state' ? [[value.name, values[id]!.data]] : [])),
    ) as Record<string, Float64Array>,
  };
}
