export { type GenerateOptions, type Generation, Generator } from './generator.js';
export { Scorer, type TokenScores } from './log-likelihood.js';
export { logitsOf } from './logits.js';
export { type SamplingOptions, sample } from './sampler.js';
