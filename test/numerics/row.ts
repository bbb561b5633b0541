import type { AttributesOf, InputsOf } from '../../src/graph/op-definition.js';
import type { OpName } from '../../src/graph/op-list.js';
import type { Given } from './data.js';

/** One case of the op table. */
export interface NumericRow {
  readonly op: OpName;
  /** What is awkward about it. */
  readonly name: string;
  readonly inputs: Readonly<Record<string, Given | null | readonly Given[]>>;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Tensors that only the gradient rule needs. */
  readonly saved: Readonly<Record<string, Given>>;
  /** Inputs whose gradient is checked. */
  readonly gradient: readonly string[];
  /** Finite differences too; off for big shapes, where only native and reference gradients are compared. */
  readonly finiteDifferences: boolean;
  /** Largest allowed |native - reference| / max(1, largest |reference|); 0: the same number. */
  readonly tolerance: number;
}

interface RowOptions<N extends OpName> {
  attributes?: AttributesOf<N>;
  saved?: Readonly<Record<string, Given>>;
  gradient?: readonly (keyof InputsOf<N, Given> & string)[];
  finiteDifferences?: boolean;
  tolerance?: number;
}

/** Sums of a few dozen f32 products of size about 1: a few of their roundings (6e-8). */
export const usualTolerance = 2e-6;

export function row<N extends OpName>(
  op: N,
  name: string,
  inputs: { [K in keyof InputsOf<N, Given>]?: InputsOf<N, Given>[K] },
  options: RowOptions<N> = {},
): NumericRow {
  return {
    op,
    name,
    inputs: inputs as NumericRow['inputs'],
    attributes: options.attributes ?? {},
    saved: options.saved ?? {},
    gradient: options.gradient ?? [],
    finiteDifferences: options.finiteDifferences ?? true,
    tolerance: options.tolerance ?? usualTolerance,
  };
}
