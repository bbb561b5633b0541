import { eachIndex, flatOf, type RefArray } from './array.js';
import type { Kernels } from './kernel.js';

const map =
  (f: (x: number) => number) =>
  (inputs: { x: RefArray }, { y }: { y: RefArray }) => {
    y.data.forEach((_, i) => {
      y.data[i] = f(inputs.x.data[i]!);
    });
  };

const combine =
  (f: (a: number, b: number) => number) =>
  ({ a, b }: { a: RefArray; b: RefArray }, { y }: { y: RefArray }) => {
    eachIndex(y.shape, (index, flat) => {
      y.data[flat] = f(a.data[flatOf(a.shape, index)]!, b.data[flatOf(b.shape, index)]!);
    });
  };

const slope =
  (f: (x: number) => number) =>
  ({ dy, x }: { dy: RefArray; x: RefArray }, { dx }: { dx: RefArray }) => {
    dx.data.forEach((_, i) => {
      dx.data[i] = dy.data[i]! * f(x.data[i]!);
    });
  };

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const silu = (x: number) => x * sigmoid(x);
const siluSlope = (x: number) => sigmoid(x) * (1 + x * (1 - sigmoid(x)));

/** erf to double precision: its series near zero, the continued fraction of erfc beyond. */
export function erf(x: number): number {
  if (x < 0) return -erf(-x);
  if (x < 2.5) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
      term *= -(x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 200; n >= 1; n--) fraction = n / 2 / (x + fraction);
  return 1 - Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
}

const cubic = Math.sqrt(2 / Math.PI);
const geluTanh = (x: number) => 0.5 * x * (1 + Math.tanh(cubic * (x + 0.044715 * x ** 3)));
const geluTanhSlope = (x: number) => {
  const t = Math.tanh(cubic * (x + 0.044715 * x ** 3));
  return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * cubic * (1 + 3 * 0.044715 * x * x);
};
const geluErf = (x: number) => 0.5 * x * (1 + erf(x / Math.SQRT2));
const geluErfSlope = (x: number) =>
  0.5 * (1 + erf(x / Math.SQRT2)) + (x * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);

/** The nearest bf16, ties to even, as a number. */
export function roundToBf16(x: number): number {
  const words = new Uint32Array(new Float32Array([x]).buffer);
  const bits = words[0]!;
  words[0] = ((bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff0000) >>> 0;
  return Number.isNaN(x) ? NaN : new Float32Array(words.buffer)[0]!;
}

export const elementwiseKernels: Kernels<
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
  | 'silu'
  | 'silu_grad'
  | 'gelu'
  | 'gelu_grad'
  | 'affine'
  | 'clamp'
  | 'clamp_grad'
  | 'relu_grad'
  | 'cast'
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'maximum'
  | 'minimum'
  | 'not_equal'
  | 'greater'
  | 'silu_mul'
  | 'silu_mul_grad'
> = {
  neg: map((x) => -x),
  exp: map(Math.exp),
  log: map(Math.log),
  sqrt: map(Math.sqrt),
  rsqrt: map((x) => 1 / Math.sqrt(x)),
  reciprocal: map((x) => 1 / x),
  square: map((x) => x * x),
  tanh: map(Math.tanh),
  sigmoid: map(sigmoid),
  relu: map((x) => Math.max(0, x)),
  silu: map(silu),
  silu_grad: slope(siluSlope),
  relu_grad: slope((x) => (x > 0 ? 1 : 0)),
  gelu: (inputs, outputs, { tanh }) => map(tanh ? geluTanh : geluErf)(inputs, outputs),
  gelu_grad: (inputs, outputs, { tanh }) => slope(tanh ? geluTanhSlope : geluErfSlope)(inputs, outputs),
  affine: (inputs, outputs, { scale, shift }) => map((x) => x * scale + shift)(inputs, outputs),
  clamp: (inputs, outputs, { min, max }) => map((x) => Math.min(Math.max(x, min), max))(inputs, outputs),
  clamp_grad: (inputs, outputs, { min, max }) =>
    slope((x) => (x >= min && x <= max ? 1 : 0))(inputs, outputs),
  cast: (inputs, outputs, { dtype }) => {
    map(dtype === 'bf16' ? roundToBf16 : dtype === 'i32' ? Math.trunc : (x) => x)(inputs, outputs);
  },
  add: combine((a, b) => a + b),
  sub: combine((a, b) => a - b),
  mul: combine((a, b) => a * b),
  div: combine((a, b) => a / b),
  maximum: combine(Math.max),
  minimum: combine(Math.min),
  not_equal: combine((a, b) => (a !== b ? 1 : 0)),
  greater: combine((a, b) => (a > b ? 1 : 0)),
  silu_mul: ({ gate, up }, { y }) => combine((a, b) => silu(a) * b)({ a: gate, b: up }, { y }),
  silu_mul_grad: ({ dy, gate, up }, { dgate, dup }) => {
    dy.data.forEach((d, i) => {
      dgate.data[i] = d * up.data[i]! * siluSlope(gate.data[i]!);
      dup.data[i] = d * silu(gate.data[i]!);
    });
  },
};
