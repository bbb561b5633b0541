import { dtypeBytes } from './dtype.js';
import type { Attributes, OpKey, TensorType } from './op-definition.js';
import { nameInputs, nameOutputs } from './op-names.js';
import { definitionOf, type LoosePlacedCall } from './op-table.js';
import { elementCount } from './shape.js';

/** An op with the types around it: all that cost and scratch depend on. */
export interface PlacedOp {
  readonly op: OpKey;
  readonly inputs: readonly (TensorType | null)[];
  readonly outputs: readonly (TensorType | null)[];
  readonly attributes: Attributes;
}

export interface Cost {
  /** Floating-point operations of the formula; what a kernel computes twice to save memory is counted once. */
  readonly flops: number;
  /** Bytes read and written if nothing stays in a cache between ops. */
  readonly bytes: number;
}

export function opCost(placed: PlacedOp, threads: number): Cost {
  const definition = definitionOf(placed.op);
  const call = placedCall(placed, threads);
  return { flops: definition.flops?.(call) ?? 0, bytes: definition.bytes?.(call) ?? everyTensorOnce(placed) };
}

/** Scratch bytes the op needs, by the formulas of native/core/scratch.h. */
export function scratchBytes(placed: PlacedOp, threads: number): number {
  return definitionOf(placed.op).scratch?.(placedCall(placed, threads)) ?? 0;
}

export function totalCost(costs: readonly Cost[]): Cost {
  return costs.reduce((sum, { flops, bytes }) => ({ flops: sum.flops + flops, bytes: sum.bytes + bytes }), {
    flops: 0,
    bytes: 0,
  });
}

export function typeBytes({ shape, dtype }: TensorType): number {
  return elementCount(shape) * dtypeBytes(dtype);
}

function placedCall({ op, inputs, outputs, attributes }: PlacedOp, threads: number): LoosePlacedCall {
  return { inputs: nameInputs(op, inputs), outputs: nameOutputs(op, outputs), attributes, threads };
}

function everyTensorOnce({ inputs, outputs }: PlacedOp): number {
  return [...inputs, ...outputs].reduce((sum, type) => sum + (type ? typeBytes(type) : 0), 0);
}
