import type { Dtype } from '../dtype.js';
import type { Tensor } from '../tensor.js';

/** Ops of one float tensor without attributes. */
export type Unary =
  | 'neg'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'rsqrt'
  | 'reciprocal'
  | 'square'
  | 'tanh'
  | 'sigmoid'
  | 'relu'
  | 'silu';

const unary = (op: Unary, x: Tensor): Tensor => x.graph.emit(op, { x }, {}).y;

export const neg = (x: Tensor): Tensor => unary('neg', x);
export const exp = (x: Tensor): Tensor => unary('exp', x);
export const log = (x: Tensor): Tensor => unary('log', x);
export const sqrt = (x: Tensor): Tensor => unary('sqrt', x);
export const rsqrt = (x: Tensor): Tensor => unary('rsqrt', x);
export const reciprocal = (x: Tensor): Tensor => unary('reciprocal', x);
export const square = (x: Tensor): Tensor => unary('square', x);
export const tanh = (x: Tensor): Tensor => unary('tanh', x);
export const sigmoid = (x: Tensor): Tensor => unary('sigmoid', x);
export const relu = (x: Tensor): Tensor => unary('relu', x);
export const silu = (x: Tensor): Tensor => unary('silu', x);

/** GELU; `tanh: true` is the tanh approximation (`gelu_new`, `gelu_pytorch_tanh`), otherwise the exact erf form. */
export function gelu(x: Tensor, options: { tanh?: boolean } = {}): Tensor {
  return x.graph.emit('gelu', { x }, { tanh: options.tanh ?? false }).y;
}

/** x*scale + shift */
export function affine(x: Tensor, scale: number, shift: number): Tensor {
  return scale === 1 && shift === 0 ? x : x.graph.emit('affine', { x }, { scale, shift }).y;
}

export function clamp(x: Tensor, min: number, max: number): Tensor {
  return x.graph.emit('clamp', { x }, { min, max }).y;
}

/** f32 <-> bf16 (nearest even), i32 -> f32, f32 -> i32 (truncates; passes no gradient). */
export function cast(x: Tensor, dtype: Dtype): Tensor {
  return x.dtype === dtype ? x : x.graph.emit('cast', { x }, { dtype }).y;
}

/** a + b, broadcasting; one of the two may be a number. */
export function add(a: Tensor, b: Tensor | number): Tensor {
  return typeof b === 'number' ? affine(a, 1, b) : a.graph.emit('add', { a, b }, {}).y;
}

/** a - b, broadcasting; one of the two may be a number. */
export function sub(a: Tensor | number, b: Tensor | number): Tensor {
  if (typeof a === 'number') return affine(tensorOf(b), -1, a);
  return typeof b === 'number' ? affine(a, 1, -b) : a.graph.emit('sub', { a, b }, {}).y;
}

/** a * b, broadcasting; b may be a number. */
export function mul(a: Tensor, b: Tensor | number): Tensor {
  return typeof b === 'number' ? affine(a, b, 0) : a.graph.emit('mul', { a, b }, {}).y;
}

/** a / b, broadcasting; one of the two may be a number. */
export function div(a: Tensor | number, b: Tensor | number): Tensor {
  if (typeof a === 'number') return affine(reciprocal(tensorOf(b)), a, 0);
  return typeof b === 'number' ? affine(a, 1 / b, 0) : a.graph.emit('div', { a, b }, {}).y;
}

export function maximum(a: Tensor, b: Tensor | number): Tensor {
  return typeof b === 'number' ? clamp(a, b, Infinity) : a.graph.emit('maximum', { a, b }, {}).y;
}

export function minimum(a: Tensor, b: Tensor | number): Tensor {
  return typeof b === 'number' ? clamp(a, -Infinity, b) : a.graph.emit('minimum', { a, b }, {}).y;
}

/** f32 1 where a != b, else 0; both f32 or both i32, broadcasting. */
export function notEqual(a: Tensor, b: Tensor | number): Tensor {
  return a.graph.emit('not_equal', { a, b: asTensor(b, a) }, {}).y;
}

/** f32 1 where a == b, else 0. */
export function equal(a: Tensor, b: Tensor | number): Tensor {
  return affine(notEqual(a, b), -1, 1);
}

/** f32 1 where a > b, else 0. */
export function greater(a: Tensor, b: Tensor | number): Tensor {
  return a.graph.emit('greater', { a, b: asTensor(b, a) }, {}).y;
}

/** silu(gate) * up, same shapes. */
export function siluMul(gate: Tensor, up: Tensor): Tensor {
  return gate.graph.emit('silu_mul', { gate, up }, {}).y;
}

/** x as it is, with no gradient flowing back through it. */
export function stopGradient(x: Tensor): Tensor {
  return x.graph.emit('stop_gradient', { x }, {}).y;
}

function asTensor(value: Tensor | number, like: Tensor): Tensor {
  return typeof value === 'number' ? like.graph.constant([value], [1], like.dtype) : value;
}

function tensorOf(value: Tensor | number): Tensor {
  if (typeof value === 'number') throw new TypeError('one of the two operands must be a tensor');
  return value;
}
