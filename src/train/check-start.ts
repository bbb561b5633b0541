import { openTrainingState } from '../checkpoint/index.js';
import { checkWeights } from '../models/index.js';
import { checkShapes } from './begin.js';
import type { TrainingRun } from './compile-run.js';
import type { Start } from './start.js';

/**
 * Whether what a run would begin with fits its model, so that a plan can tell. Throws `checkpoint.other_model`,
 * `model.weights`.
 */
export function checkStart(start: Start | null, { model, trainable }: TrainingRun): void {
  if (start === null) return;
  if (start.kind === 'model') {
    checkWeights(model, start.folder);
    return;
  }
  const state = openTrainingState(start.folder);
  try {
    // A weight that the loss does not reach is in no checkpoint.
    const saved = trainable.filter(({ name }) => state.tensors.names.includes(name));
    checkShapes(state, saved.length > 0 ? saved : trainable.slice(0, 1));
  } finally {
    state.tensors.close();
  }
}
