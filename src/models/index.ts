export { loadAdapter } from './adapters/load-adapter.js';
export { LoraAdapter, type LoraConfig } from './adapters/lora.js';
export { mergeAdapter } from './adapters/merge.js';
export { loadPeftWeights, readPeftConfig, savePeftFolder } from './adapters/peft-folder.js';
export { type RawModelConfig, readJsonObject } from './config-reader.js';
export {
  initializationGraph,
  initializeWeights,
  type ProgramStore,
  rngInput,
  streamOf,
} from './initialize.js';
export {
  gateMoments,
  layerScores,
  lmLoss,
  loadBalancingLoss,
  type QualityLoss,
  type QualityLossOptions,
  qualityLoss,
  qualityLossTypes,
  registerQualityLoss,
  rowScores,
} from './losses.js';
export { batchInputs, Model } from './model.js';
export { fileTensors, type ParameterSpec } from './parameter.js';
export { dequantizeRows, nf4Values, quantizeRows } from './quantize.js';
export { buildModel, loadModel, modelTypes } from './registry.js';
export { registerTrash, type Trash } from './select_moe/trash.js';
export { type StorageKeys, storageOf, storedDtype, type WeightStorage } from './storage.js';
export type { Adapter, Batch, LinearSite, ModelOutput, RouterOutput } from './trace.js';
export {
  checkWeights,
  collectWeights,
  loadWeights,
  type StateStore,
  saveModelFolder,
  saveModelStandIn,
} from './weights.js';
