import type { Dtype } from '../dtype.js';
import {
  type Definitions,
  type OpCall,
  type OpDefinition,
  once,
  type Precision,
  type TensorType,
} from '../op-definition.js';
import { broadcastShapes, elementCount, sameShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import {
  add,
  affine,
  cast,
  div,
  greater,
  mul,
  neg,
  notEqual,
  square,
  sub,
  type Unary,
} from './arithmetic.js';
import { expectDtype, expectShape, f32 } from './checks.js';
import { sumTo } from './sum-to.js';

type Binary = 'add' | 'sub' | 'mul' | 'div' | 'maximum' | 'minimum';
type Slope = 'silu_grad' | 'relu_grad';

const maps = { reads: ['x'], stores: ['y'] } as const;
const slopes = { reads: ['dy', 'x'], stores: ['dx'] } as const;

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
    precision: maps,
    gradient: ({ inputs, outputs, grads }) => ({ x: () => rule(grads.y!, inputs.x, outputs.y) }),
    flops: perElement(flops),
  };
  return definition as unknown as OpDefinition<N>;
}

/** A broadcasting op; the rules are da and db at full shape, summed back to the operands' shapes here. */
function combining<N extends Binary>(
  toA: (dy: Tensor, a: Tensor, b: Tensor, y: Tensor) => Tensor,
  toB: (dy: Tensor, a: Tensor, b: Tensor, y: Tensor) => Tensor,
  precision: Precision<Binary> = { reads: ['a', 'b'], stores: ['y'] },
): OpDefinition<N> {
  const definition: OpDefinition<Binary> = {
    infer(call) {
      expectDtype(call, 'f32', call.inputs);
      return { y: broadcast(call) };
    },
    precision,
    gradient: ({ inputs: { a, b }, outputs, grads }) => ({
      a: () => sumTo(toA(grads.y!, a, b, outputs.y), a.shape),
      b: () => sumTo(toB(grads.y!, a, b, outputs.y), b.shape),
    }),
    flops: perElement(1),
  };
  return definition as unknown as OpDefinition<N>;
}

const slopeOf = <N extends Slope>(): OpDefinition<N> =>
  ({ infer: slope, precision: slopes, flops: perElement(8) }) as unknown as OpDefinition<N>;

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
    precision: maps,
    gradient: ({ graph, inputs, grads, attributes }) => ({
      x: () => graph.emit('gelu_grad', { dy: grads.y!, x: inputs.x }, attributes).dx,
    }),
    flops: perElement(14),
  },
  gelu_grad: { infer: slope, precision: slopes, flops: perElement(20) },
  affine: {
    infer: sameAsX,
    precision: maps,
    gradient: ({ grads, attributes }) => ({ x: () => affine(grads.y!, attributes.scale, 0) }),
    flops: perElement(2),
  },
  clamp: {
    infer: sameAsX,
    precision: maps,
    gradient: ({ graph, inputs, grads, attributes }) => ({
      x: () => graph.emit('clamp_grad', { dy: grads.y!, x: inputs.x }, attributes).dx,
    }),
    flops: perElement(2),
  },
  clamp_grad: { infer: slope, precision: slopes, flops: perElement(2) },
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
    { terms: ['a', 'b'], stores: ['y'] },
  ),
  sub: combining(
    (dy) => dy,
    (dy) => neg(dy),
    { terms: ['a', 'b'], stores: ['y'] },
  ),
  mul: combining(
    (dy, _a, b) => mul(dy, b),
    (dy, a) => mul(dy, a),
  ),
  div: combining(
    (dy, _a, b) => div(dy, b),
    // y (dy / b), not dy (y / b): where a is b, as in x / sum(x) over one element, the two gradients cancel exactly
    (dy, _a, b, y) => neg(mul(y, div(dy, b))),
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
    precision: { reads: ['gate', 'up'], stores: ['y'] },
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
    precision: { reads: ['dy', 'gate', 'up'], stores: ['dgate', 'dup'] },
    flops: perElement(18),
  },
  stop_gradient: {
    infer: ({ inputs }) => ({ y: inputs.x }),
    precision: { moves: true },
    gradient: 'none',
    bytes: () => 0,
  },
};
