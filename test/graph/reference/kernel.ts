import type { AttributesOf, InputsOf, OutputsOf } from '../../../src/graph/op-definition.js';
import type { OpName } from '../../../src/graph/op-list.js';
import type { RefArray } from './array.js';

/** Computes one op into outputs that are there already, filled with zeros; optional ones may be null. */
export type Kernel<N extends OpName> = (
  inputs: InputsOf<N, RefArray>,
  outputs: OutputsOf<N, RefArray>,
  attributes: AttributesOf<N>,
) => void;

export type Kernels<N extends OpName> = { readonly [K in N]: Kernel<K> };
