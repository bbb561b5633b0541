import type { Dtype } from '../dtype.js';
import { type Definitions, type OpCall, type OpDefinition, once, type TensorType } from '../op-definition.js';
import { broadcastShapes, elementCount, sameShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { expectDtype, expectShape, f32 } from './checks.js';
import { sumTo } from './sum-to.js';

type Unary =
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
type Binary = 'add' | 'sub' | 'mul' | 'div' | 'maximum' | 'minimum';
type Slope = 'silu_grad' | 'relu_grad';

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

const sameAsX = (call: OpCall<Unary>): { y: TensorType } => {
  const { x } = call.inputs;
  expectDtype(call, 'f32', { x });
  return { y: x };
};

const slope = (call: OpCall<Slope>): { dx: TensorType } => {
  const { dy, x } = call.inputs;
  expectDtype(call, 'f32', { dy, x });
  expectShape(call, 'dy', dy, x.shape);
  return { dx: x };
};

const broadcast = (call: {
  inputs: { a: TensorType; b: TensorType };
  fail(reason: string): never;
}): TensorType => {
  const shape =
    broadcastShapes(call.inputs.a.shape, call.inputs.b.shape) ?? call.fail('the shapes do not broadcast');
  return shape.length <= 6 ? f32(shape) : call.fail('at most 6 dimensions broadcast');
};

const perElement = (count: number) => (call: { outputs: Record<string, TensorType | null> }) =>
  count * elementCount(Object.values(call.outputs).find((type) => type !== null)?.shape ?? [0]);

/** An op of one input; `rule` is dx from dy, x and y. */
function mapping<N extends Unary>(
  flops: number,
  rule: (dy: Tensor, x: Tensor, y: Tensor) => Tensor,
): OpDefinition<N> {
  const definition: OpDefinition<Unary> = {
    infer: sameAsX,
    gradient: ({ inputs, outputs, grads }) => ({ x: () => rule(grads.y!, inputs.x, outputs.y) }),
    flops: perElement(flops),
  };
  return definition as unknown as OpDefinition<N>;
}

/** A broadcasting op; the rules are da and db at full shape, summed back to the operands' shapes here. */
function combining<N extends Binary>(
  toA: (dy: Tensor, a: Tensor, b: Tensor, y: Tensor) => Tensor,
  toB: (dy: Tensor, a: Tensor, b: Tensor, y: Tensor) => Tensor,
): OpDefinition<N> {
  const definition: OpDefinition<Binary> = {
    infer(call) {
      expectDtype(call, 'f32', call.inputs);
      return { y: broadcast(call) };
    },
    gradient: ({ inputs: { a, b }, outputs, grads }) => ({
      a: () => sumTo(toA(grads.y!, a, b, outputs.y), a.shape),
      b: () => sumTo(toB(grads.y!, a, b, outputs.y), b.shape),
    }),
    flops: perElement(1),
  };
  return definition as unknown as OpDefinition<N>;
}

const slopeOf = <N extends Slope>(): OpDefinition<N> =>
  ({ infer: slope, flops: perElement(8) }) as unknown as OpDefinition<N>;

const halfOfTies = (a: Tensor, b: Tensor) => add(greater(a, b), affine(notEqual(a, b), -0.5, 0.5));

export const elementwiseOps: Definitions<
  | Unary
  | Binary
  | Slope
  | 'gelu'
  | 'gelu_grad'
  | 'affine'
  | 'clamp'
  | 'clamp_grad'
  | 'cast'
  | 'not_equal'
  | 'greater'
  | 'silu_mul'
  | 'silu_mul_grad'
  | 'stop_gradient'
> = {
  neg: mapping(1, (dy) => neg(dy)),
  exp: mapping(8, (dy, _x, y) => mul(dy, y)),
  log: mapping(8, (dy, x) => div(dy, x)),
  sqrt: mapping(1, (dy, _x, y) => div(mul(dy, 0.5), y)),
  rsqrt: mapping(2, (dy, x, y) => mul(mul(dy, -0.5), div(y, x))),
  reciprocal: mapping(1, (dy, _x, y) => mul(neg(dy), square(y))),
  square: mapping(1, (dy, x) => mul(mul(dy, 2), x)),
  tanh: mapping(10, (dy, _x, y) => mul(dy, sub(1, square(y)))),
  sigmoid: mapping(10, (dy, _x, y) => mul(dy, mul(y, sub(1, y)))),
  relu: mapping(1, (dy, x) => dy.graph.emit('relu_grad', { dy, x }, {}).dx),
  silu: mapping(10, (dy, x) => dy.graph.emit('silu_grad', { dy, x }, {}).dx),
  relu_grad: slopeOf(),
  silu_grad: slopeOf(),
  gelu: {
    infer: sameAsX,
    gradient: ({ graph, inputs, grads, attributes }) => ({
      x: () => graph.emit('gelu_grad', { dy: grads.y!, x: inputs.x }, attributes).dx,
    }),
    flops: perElement(14),
  },
  gelu_grad: { infer: slope, flops: perElement(20) },
  affine: {
    infer: sameAsX,
    gradient: ({ grads, attributes }) => ({ x: () => affine(grads.y!, attributes.scale, 0) }),
    flops: perElement(2),
  },
  clamp: {
    infer: sameAsX,
    gradient: ({ graph, inputs, grads, attributes }) => ({
      x: () => graph.emit('clamp_grad', { dy: grads.y!, x: inputs.x }, attributes).dx,
    }),
    flops: perElement(2),
  },
  clamp_grad: { infer: slope, flops: perElement(2) },
  cast: {
    infer(call) {
      const { x } = call.inputs;
      const known = ['f32>bf16', 'bf16>f32', 'i32>f32', 'f32>i32'];
      if (!known.includes(`${x.dtype}>${call.attributes.dtype}`)) {
        call.fail(`${x.dtype} cannot be cast to ${call.attributes.dtype}`);
      }
      return { y: { shape: x.shape, dtype: call.attributes.dtype as Dtype } };
    },
    gradient: ({ inputs, outputs, grads }) => ({
      x: () =>
        inputs.x.dtype === 'i32' || outputs.y.dtype === 'i32' ? null : cast(grads.y!, inputs.x.dtype),
    }),
  },
  add: combining(
    (dy) => dy,
    (dy) => dy,
  ),
  sub: combining(
    (dy) => dy,
    (dy) => neg(dy),
  ),
  mul: combining(
    (dy, _a, b) => mul(dy, b),
    (dy, a) => mul(dy, a),
  ),
  div: combining(
    (dy, _a, b) => div(dy, b),
    (dy, _a, b, y) => neg(mul(dy, div(y, b))),
  ),
  maximum: combining(
    (dy, a, b) => mul(dy, halfOfTies(a, b)),
    (dy, a, b) => mul(dy, halfOfTies(b, a)),
  ),
  minimum: combining(
    (dy, a, b) => mul(dy, halfOfTies(b, a)),
    (dy, a, b) => mul(dy, halfOfTies(a, b)),
  ),
  not_equal: {
    infer(call) {
      const { a, b } = call.inputs;
      if (a.dtype !== b.dtype || (a.dtype !== 'f32' && a.dtype !== 'i32'))
        call.fail('both must be f32 or both i32');
      return { y: broadcast(call) };
    },
    gradient: 'none',
    flops: perElement(1),
  },
  greater: {
    infer(call) {
      expectDtype(call, 'f32', call.inputs);
      return { y: broadcast(call) };
    },
    gradient: 'none',
    flops: perElement(1),
  },
  silu_mul: {
    infer(call) {
      const { gate, up } = call.inputs;
      expectDtype(call, 'f32', { gate, up });
      if (!sameShape(gate.shape, up.shape)) call.fail('gate and up must have one shape');
      return { y: gate };
    },
    gradient: ({ graph, inputs, grads }) => {
      const fused = once(() => graph.emit('silu_mul_grad', { dy: grads.y!, ...inputs }, {}));
      return { gate: () => fused().dgate, up: () => fused().dup };
    },
    flops: perElement(11),
  },
  silu_mul_grad: {
    infer(call) {
      const { dy, gate, up } = call.inputs;
      expectDtype(call, 'f32', { dy, gate, up });
      expectShape(call, 'dy', dy, gate.shape);
      expectShape(call, 'up', up, gate.shape);
      return { dgate: gate, dup: up };
    },
    flops: perElement(18),
  },
  stop_gradient: { infer: ({ inputs }) => ({ y: inputs.x }), gradient: 'none', bytes: () => 0 },
};
