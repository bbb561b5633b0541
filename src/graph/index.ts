export { type Dtype, dtypeBytes, type TypedArray } from './dtype.js';
export { gradients } from './gradients.js';
export { Graph } from './graph.js';
export * from './ops/index.js';
export { elementCount, type Shape } from './shape.js';
export { Tensor } from './tensor.js';
