export { type DecodeTimes, timeDecoding } from './decode-speed.js';
export { type GenerateOptions, type Generation, Generator } from './generator.js';
export { loadReadyModel, type ReadyModel, stopIdsOf } from './load.js';
export { Scorer, type TokenScores } from './log-likelihood.js';
export { logitsOf } from './logits.js';
export { argmax, type SamplingOptions, sample } from './sampler.js';
export { cutAtStop } from './stop-text.js';
export { textTail } from './text-tail.js';
