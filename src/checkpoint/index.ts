export { writeFolderAtomic, writeTextAtomic } from './atomic.js';
export { bf16ToF32, f16ToF32, f32ToBf16 } from './half-precision.js';
export { linkTrainingState } from './link-state.js';
export { SafetensorsFile, type StoredPart } from './safetensors-file.js';
export type { StoredDtype } from './safetensors-header.js';
export { type TensorToWrite, writeSafetensors } from './safetensors-write.js';
export { type SavedProgram, saveProgram } from './saved-program.js';
export {
  listSteps,
  type OpenTrainingState,
  openLatestTrainingState,
  openTrainingState,
  readStateText,
  saveTrainingState,
  sha256OfFile,
  type TrainingState,
} from './training-state.js';
export { WeightFiles } from './weight-files.js';
export { writeShards } from './write-shards.js';
