export {
  add,
  affine,
  cast,
  clamp,
  div,
  equal,
  exp,
  gelu,
  greater,
  log,
  maximum,
  minimum,
  mul,
  neg,
  notEqual,
  reciprocal,
  relu,
  rsqrt,
  sigmoid,
  silu,
  siluMul,
  sqrt,
  square,
  stopGradient,
  sub,
  tanh,
} from './arithmetic.js';
export { type AttentionOptions, attention, cacheWrite, rope } from './attention.js';
export { embedding, gatherRows, oneHot, scatterAddRows, takeAlong, topk } from './indexed.js';
export { linearCrossEntropy, lossChunk } from './loss.js';
export { groupedMatmul, matmul } from './matmul.js';
export { moeCombine, moeDispatch, moeGather } from './moe.js';
export { layerNorm, rmsNorm } from './norm.js';
export { accumulate, adamw, assign, fill, type RoundingChance } from './optimizer.js';
export {
  paddedColumns,
  type QuantizedFormat,
  type QuantizedWeight,
  quantBlock,
  quantGroup,
  quantizedMatmul,
  quantizedShapes,
} from './quantized.js';
export { dropout, randomNormal, randomUniform } from './random.js';
export { argmax, logSoftmax, max, mean, softmax, sum, sumSquares } from './reduce.js';
export { concat, expand, full, pad, reshape, slice, transpose } from './shape.js';
