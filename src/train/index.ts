export { targetEveryToken } from './batch.js';
export { describeRun } from './describe-run.js';
export { languageModel } from './objectives/language-model.js';
export { selectMoe } from './objectives/select-moe.js';
export { checkpointToResume } from './resume.js';
export { type LoraKeys, loraFor, type RowsConfig, rowsOf } from './stage-config.js';
export { type PeftMode, trainableParameters } from './trainable.js';
export { compileRun, type TrainingConfig, type TrainingRun, totalSteps, train } from './training-run.js';
export { trainingTable } from './training-table.js';
