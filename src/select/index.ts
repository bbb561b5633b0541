export { keepBest } from './keep.js';
export { type RouterScores, scoreSamples, scoringProgram } from './score.js';
export {
  type GateConfig,
  loadRouterWeights,
  loadSelector,
  openSelector,
  readRouterInfo,
  saveRouterWeights,
} from './selector-model.js';
export type { ScoredPool, Selector } from './selectors/selector.js';
export { countDirt, readTruth, type Truth } from './truth.js';
export { writeSelection } from './write-selection.js';
