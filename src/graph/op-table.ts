import { SluiceError } from '../errors.js';
import type { Attributes, Definitions, OpKey, TensorType } from './op-definition.js';
import type { nameInputs } from './op-names.js';
import { attentionOps } from './ops/attention.js';
import { elementwiseOps } from './ops/elementwise.js';
import { indexedOps } from './ops/indexed.js';
import { lossOps } from './ops/loss.js';
import { matmulOps } from './ops/matmul.js';
import { matmulSumOps } from './ops/matmul-sum.js';
import { moeOps } from './ops/moe.js';
import { normOps } from './ops/norm.js';
import { optimizerOps } from './ops/optimizer.js';
import { quantizedOps } from './ops/quantized.js';
import { randomOps } from './ops/random.js';
import { reduceOps } from './ops/reduce.js';
import { shapeOps } from './ops/shape.js';
import type { Tensor } from './tensor.js';

const table: Definitions<OpKey> = {
  ...elementwiseOps,
  ...reduceOps,
  ...shapeOps,
  ...indexedOps,
  ...matmulOps,
  ...matmulSumOps,
  ...quantizedOps,
  ...normOps,
  ...attentionOps,
  ...lossOps,
  ...moeOps,
  ...randomOps,
  ...optimizerOps,
};

/** A definition whose op is only known at run time: names are strings here and checked by the families' own types. */
export interface LooseDefinition {
  infer(call: {
    inputs: Readonly<Record<string, TensorType | null | readonly TensorType[]>>;
    attributes: Attributes;
    fail(reason: string): never;
  }): Record<string, TensorType | null>;
  precision?: LoosePrecision;
  gradient?: LooseGradientRule | 'none';
  flops?(call: LoosePlacedCall): number;
  bytes?(call: LoosePlacedCall): number;
  scratch?(call: LoosePlacedCall): number;
}

export interface LoosePrecision {
  operands?: readonly string[];
  reads?: readonly string[];
  copies?: readonly string[];
  terms?: readonly string[];
  stores?: readonly string[];
  moves?: true;
  narrowWeights?: true;
}

type LooseGradientRule = (call: {
  graph: Tensor['graph'];
  inputs: Readonly<Record<string, Tensor | null | readonly Tensor[]>>;
  outputs: Readonly<Record<string, Tensor | null>>;
  grads: Readonly<Record<string, Tensor | null>>;
  attributes: Attributes;
  saved: Readonly<Record<string, Tensor>>;
  fail(reason: string): never;
}) => Readonly<Record<string, ((index: number) => Tensor | null) | undefined>>;

export interface LoosePlacedCall {
  inputs: Readonly<Record<string, TensorType | null | readonly TensorType[]>>;
  outputs: Readonly<Record<string, TensorType | null>>;
  attributes: Attributes;
  threads: number;
}

export function definitionOf(op: OpKey): LooseDefinition {
  return table[op] as unknown as LooseDefinition;
}

/** Whether an input of an op may be bf16. */
export function takesNarrow(op: OpKey, input: string): boolean {
  const { operands, reads, terms, moves } = definitionOf(op).precision ?? {};
  return moves === true || [operands, reads, terms].some((names) => names?.includes(input));
}

/** Whether an output of an op may be stored as bf16. */
export const storesNarrow = (op: OpKey, output: string): boolean =>
  definitionOf(op).precision?.stores?.includes(output) ?? false;

/** Output types of an op, by name, floats as f32 (or as the inputs of an op that only moves). Throws SluiceError `graph.shape` with scope, op and input shapes. */
export function inferOutputs(
  op: OpKey,
  inputs: ReturnType<typeof nameInputs<TensorType>>,
  attributes: Attributes,
  scope: string,
): Record<string, TensorType | null> {
  const fail = (reason: string): never => {
    const given = Object.entries(inputs).map(([name, type]) => `${name} ${describe(type)}`);
    const place = scope ? `${scope}: ` : '';
    throw new SluiceError('graph.shape', `${place}${op} ${given.join(', ')}: ${reason}`, {
      where: scope || undefined,
    });
  };
  const { infer, precision } = definitionOf(op);
  const kinds = new Set(
    (precision?.operands ?? []).flatMap((name) => typesOf(inputs[name]).map(({ dtype }) => dtype)),
  );
  const [first, second] = kinds;
  const narrowWeights =
    precision?.narrowWeights && attributes.trans_b === true && first === 'f32' && second === 'bf16';
  if (kinds.size > 1 && !narrowWeights) fail(`${precision!.operands!.join(', ')} must be of one dtype`);
  if (precision?.moves) return movedTypes(infer, inputs, attributes, fail);
  const widened = Object.entries(inputs).map(([name, type]) => [
    name,
    takesNarrow(op, name) ? widenAll(type) : type,
  ]);
  return infer({ inputs: Object.fromEntries(widened), attributes, fail });
}

const typesOf = (input: TensorType | null | readonly TensorType[] | undefined): readonly TensorType[] =>
  input == null ? [] : Array.isArray(input) ? input : [input as TensorType];

const widen = (type: TensorType | null): TensorType | null =>
  type?.dtype === 'bf16' ? { shape: type.shape, dtype: 'f32' } : type;

const widenAll = (type: TensorType | null | readonly TensorType[]) =>
  Array.isArray(type) ? type.map((part) => widen(part)) : widen(type as TensorType | null);

/** The rules of ops that move elements are written for f32; bf16 in all inputs gives bf16 in all outputs. */
function movedTypes(
  infer: LooseDefinition['infer'],
  inputs: ReturnType<typeof nameInputs<TensorType>>,
  attributes: Attributes,
  fail: (reason: string) => never,
): Record<string, TensorType | null> {
  const given = Object.values(inputs)
    .flatMap(typesOf)
    .filter(({ dtype }) => dtype !== 'i32');
  const narrow = given.length > 0 && given.every(({ dtype }) => dtype === 'bf16');
  if (!narrow) return infer({ inputs, attributes, fail });
  const widened = Object.entries(inputs).map(([name, type]) => [name, widenAll(type)]);
  const outputs = infer({ inputs: Object.fromEntries(widened), attributes, fail });
  return Object.fromEntries(
    Object.entries(outputs).map(([name, type]) => [
      name,
      type?.dtype === 'f32' ? { shape: type.shape, dtype: 'bf16' } : type,
    ]),
  );
}

function describe(type: TensorType | null | readonly TensorType[]): string {
  if (type === null) return 'absent';
  if (Array.isArray(type)) return type.map(describe).join(' ');
  const { dtype, shape } = type as TensorType;
  return `${dtype}[${shape.join(',')}]`;
}
