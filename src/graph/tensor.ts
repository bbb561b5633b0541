import type { Dtype } from './dtype.js';
import type { Graph } from './graph.js';
import type { Attributes, OpKey } from './op-definition.js';
import { formatShape, type Shape } from './shape.js';

/** Where a tensor comes from. */
export type TensorSource =
  | { readonly kind: 'state'; readonly name: string }
  | { readonly kind: 'input'; readonly name: string }
  | { readonly kind: 'const'; readonly values: readonly number[] }
  | { readonly kind: 'node'; readonly node: GraphNode };

/** A symbolic tensor: shape and dtype, no data. */
export class Tensor {
  readonly graph: Graph;
  readonly id: number;
  readonly shape: Shape;
  readonly dtype: Dtype;
  /** The model's own name for the place where it was made, such as `layers.3.attention`. */
  readonly scope: string;
  readonly source: TensorSource;

  constructor(graph: Graph, id: number, shape: Shape, dtype: Dtype, scope: string, source: TensorSource) {
    this.graph = graph;
    this.id = id;
    this.shape = shape;
    this.dtype = dtype;
    this.scope = scope;
    this.source = source;
  }

  /** `f32[8,512]` */
  toString(): string {
    return `${this.dtype}${formatShape(this.shape)}`;
  }
}

/** One traced op. Nodes stand in program order: inputs come before, effects happen in this order. */
export interface GraphNode {
  readonly op: OpKey;
  /** In the order of the op list; the elements of a variadic input follow each other at the end. */
  readonly inputs: readonly (Tensor | null)[];
  readonly outputs: readonly (Tensor | null)[];
  readonly attributes: Attributes;
  readonly scope: string;
  readonly saved: Readonly<Record<string, Tensor>>;
}
