import type { Dtype } from './dtype.js';
import type { Graph } from './graph.js';
import { type AttributeType, type OpRow, opList } from './op-list.js';
import type { Shape } from './shape.js';
import type { Tensor } from './tensor.js';

/** Ops of the trace that cost nothing: a program holds an alias (or nothing) in their place. */
const virtualOps = {
  reshape: { inputs: ['x'], outputs: ['y'], attributes: { shape: 'ints' }, traits: [] },
  stop_gradient: { inputs: ['x'], outputs: ['y'], attributes: {}, traits: [] },
} as const satisfies Record<string, OpRow>;

const rows = { ...opList, ...virtualOps };

export type OpKey = keyof typeof rows;
export const opRows: Readonly<Record<OpKey, OpRow>> = rows;

export function isVirtual(op: OpKey): boolean {
  return Object.hasOwn(virtualOps, op);
}

export type AttributeValue = number | boolean | string | readonly number[];
export type Attributes = Readonly<Record<string, AttributeValue>>;

interface AttributeValues {
  int: number;
  float: number;
  bool: boolean;
  ints: readonly number[];
  floats: readonly number[];
  string: string;
}

type Row<N extends OpKey> = (typeof rows)[N];
type Plain<S extends string> = S extends `${infer Name}${'?' | '*' | '!'}` ? Name : S;
type Slot<S extends string, T> = S extends `${string}?`
  ? T | null
  : S extends `${string}*`
    ? readonly T[]
    : T;
type Named<S extends string, T> = { readonly [K in S as Plain<K>]: Slot<K, T> };

/** Inputs of op N by the names of the op list: `x?` may be null, `x*` is an array. */
export type InputsOf<N extends OpKey, T> = Named<Row<N>['inputs'][number], T>;
/** Outputs of op N by name; `x?` may be null. */
export type OutputsOf<N extends OpKey, T> = Named<Row<N>['outputs'][number], T>;
export type AttributesOf<N extends OpKey> = {
  readonly [K in keyof Row<N>['attributes']]: AttributeValues[Row<N>['attributes'][K] & AttributeType];
};

export interface TensorType {
  readonly shape: Shape;
  readonly dtype: Dtype;
}

/** An op about to be traced, or a traced one that is checked again. */
export interface OpCall<N extends OpKey> {
  readonly inputs: InputsOf<N, TensorType>;
  readonly attributes: AttributesOf<N>;
  /** Throws `graph.shape` with scope, op and input shapes around the reason. */
  fail(reason: string): never;
}

/** A traced op with what costs and scratch depend on. */
export interface PlacedCall<N extends OpKey> {
  readonly inputs: InputsOf<N, TensorType>;
  readonly outputs: OutputsOf<N, TensorType> & { readonly [name: string]: TensorType | null };
  readonly attributes: AttributesOf<N>;
  readonly threads: number;
}

/** A traced op on the way back: gradients of its outputs (null: the loss does not use that output). */
export interface GradientCall<N extends OpKey> {
  readonly graph: Graph;
  readonly inputs: InputsOf<N, Tensor>;
  readonly outputs: OutputsOf<N, Tensor>;
  readonly grads: { readonly [K in keyof OutputsOf<N, Tensor>]: Tensor | null };
  readonly attributes: AttributesOf<N>;
  /** Tensors that only the gradient needs, given when the op was traced. */
  readonly saved: Readonly<Record<string, Tensor>>;
  /** Throws `graph.gradient` with scope and op around the reason. */
  fail(reason: string): never;
}

/** For each differentiable input a function that adds its gradient's ops; only called for inputs that need it. */
export type GradientRule<N extends OpKey> = (call: GradientCall<N>) => {
  readonly [K in keyof InputsOf<N, Tensor>]?: (index: number) => Tensor | null;
};

/**
 * Which floats of an op may be bf16; all others are f32. Whatever they are stored as, ops compute in f32, and rules see
 * f32 types. The pass `cast` stores by this table; the engine's own rules say the same (native/program/rules).
 */
export interface Precision<N extends OpKey> {
  /** Operands of products: all f32 or all bf16, which multiplies twice as fast. */
  readonly operands?: readonly InputName<N>[];
  /** The last operand may be bf16 beside an f32 one where it lies in rows (trans_b): frozen weights in half the memory. */
  readonly narrowWeights?: true;
  /** Read as they are. */
  readonly reads?: readonly InputName<N>[];
  /**
   * Of `reads`: where the backward pass reads a tensor in f32 as these alone, it holds a bf16 copy instead, which the forward
   * pass reads too, for both must have the same numbers.
   */
  readonly copies?: readonly InputName<N>[];
  /** Terms of a sum: read as they are too, but kept in f32, so that a long sum of small terms does not stall. */
  readonly terms?: readonly InputName<N>[];
  /** Outputs that may be stored as bf16. */
  readonly stores?: readonly OutputName<N>[];
  /** Elements are only moved: bf16 or f32 goes in, the same comes out. */
  readonly moves?: true;
}

type InputName<N extends OpKey> = keyof InputsOf<N, Tensor> & string;
type OutputName<N extends OpKey> = keyof OutputsOf<N, Tensor> & string;

/** All that TypeScript knows about one op. */
export interface OpDefinition<N extends OpKey> {
  /** Output types from input types; calls `fail` on a mistake. */
  infer(call: OpCall<N>): OutputsOf<N, TensorType>;
  /** Absent: f32 only. */
  precision?: Precision<N>;
  /** 'none': constant almost everywhere, nothing flows back. Absent: differentiating through it is an error. */
  gradient?: GradientRule<N> | 'none';
  /** Floating-point operations the formula needs (recomputation inside a kernel is not counted). Default 0. */
  flops?(call: PlacedCall<N>): number;
  /** Bytes moved. Default: every input and output once. */
  bytes?(call: PlacedCall<N>): number;
  /** Scratch bytes, as native/core/scratch.h asks for. Default 0. */
  scratch?(call: PlacedCall<N>): number;
}

/** The definitions of a family of ops. */
export type Definitions<N extends OpKey> = { readonly [K in N]: OpDefinition<K> };

/** Calls `make` at the first use only: a fused gradient op serves several inputs. */
export function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
