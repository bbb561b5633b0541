import { SluiceError } from '../errors.js';
import type { Attributes, Definitions, OpKey, TensorType } from './op-definition.js';
import type { nameInputs } from './op-names.js';
import { attentionOps } from './ops/attention.js';
import { elementwiseOps } from './ops/elementwise.js';
import { indexedOps } from './ops/indexed.js';
import { lossOps } from './ops/loss.js';
import { matmulOps } from './ops/matmul.js';
import { moeOps } from './ops/moe.js';
import { normOps } from './ops/norm.js';
import { optimizerOps } from './ops/optimizer.js';
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
  gradient?: LooseGradientRule | 'none';
  flops?(call: LoosePlacedCall): number;
  bytes?(call: LoosePlacedCall): number;
  scratch?(call: LoosePlacedCall): number;
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

/** Output types of an op, by name. Throws SluiceError `graph.shape` with scope, op and input shapes. */
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
  return definitionOf(op).infer({ inputs, attributes, fail });
}

function describe(type: TensorType | null | readonly TensorType[]): string {
  if (type === null) return 'absent';
  if (Array.isArray(type)) return type.map(describe).join(' ');
  const { dtype, shape } = type as TensorType;
  return `${dtype}[${shape.join(',')}]`;
}
