import type { Tensor } from '../../graph/index.js';
import type { ModelOutput } from '../../models/index.js';

/** What an objective sees of one micro-batch. */
export interface ObjectiveInputs {
  output: ModelOutput;
  /** i32 [batch, length]; negative carries no loss. */
  labels: Tensor;
  /** i32 [batch, length]; 0 is padding. */
  segmentIds: Tensor;
  /** f32 [1]: one over the number of target tokens of the whole optimizer step. */
  lossScale: Tensor;
  /** One over the number of micro-batches of the step: the weight of terms that are means over a micro-batch. */
  microShare: number;
}

export interface ObjectiveOutputs {
  /** One element; the step's loss is its sum over the micro-batches. */
  loss: Tensor;
  /** Figures to log, one element each, scaled so that they too add up over the micro-batches. */
  metrics: Record<string, Tensor>;
}

/** A training objective is a value handed to the one loop. */
export interface Objective {
  name: string;
  build(inputs: ObjectiveInputs): ObjectiveOutputs;
}
