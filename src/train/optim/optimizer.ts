import type { Graph, Tensor } from '../../graph/index.js';
import type { ParameterSpec } from '../../models/index.js';

/** A parameter that learns, with its gradient in the graph of the update. */
export interface Updated {
  readonly spec: ParameterSpec;
  readonly parameter: Tensor;
  readonly gradient: Tensor;
}

/** How weights are updated: a value handed to the one step. What it remembers are states by name, so checkpoints hold them. */
export interface Optimizer {
  readonly name: string;
  /** States in the shape of the parameter and zero at first that the updates of a parameter keep. */
  states(spec: ParameterSpec): readonly string[];
  /** What they are held in. */
  readonly stateDtype: 'f32' | 'bf16';
  /**
   * Adds one update per parameter. `scalars` is f32 [3]: learning rate, step from 1, gradient scale. With a scale of NaN
   * neither weights nor states change.
   */
  update(graph: Graph, updated: readonly Updated[], scalars: Tensor): void;
}
