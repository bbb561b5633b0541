import type { Definitions, TensorType } from '../op-definition.js';
import { elementCount, formatShape, type Shape, sameShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { expectDtype, expectRank, expectShape, f32 } from './checks.js';
import { sum } from './reduce.js';
import { reshape, transpose } from './shape.js';

/**
 * op(a) op(b) (+ bias over the last axis). a [...,M,K] (transA: [...,K,M]); b [K,N], or [...,K,N] with a's leading
 * dimensions (transB: [...,N,K]). A rank-2 b multiplies all leading rows of a.
 */
export function matmul(
  a: Tensor,
  b: Tensor,
  options: { transA?: boolean; transB?: boolean; bias?: Tensor | null } = {},
): Tensor {
  const shared = b.shape.length === 2 && a.shape.length > 2; // one b for all leading rows: a must lie in rows
  const [left, transA] = shared && options.transA ? [swapLast(a), false] : [a, options.transA ?? false];
  const attributes = { trans_a: transA, trans_b: options.transB ?? false };
  return a.graph.emit('matmul', { a: left, b, bias: options.bias ?? null }, attributes).y;
}

/**
 * Rows x [R,K] grouped by expert times that expert's w: [E,N,K] with transB, else [E,K,N] -> [R,N]. offsets i32[E+1]
 * come from `moeDispatch`; rows past offsets[E] give zeros.
 */
export function groupedMatmul(
  x: Tensor,
  w: Tensor,
  offsets: Tensor,
  options: { transB?: boolean } = {},
): Tensor {
  return x.graph.emit('grouped_matmul', { x, w, offsets }, { trans_b: options.transB ?? false }).y;
}

/** [leading..., rows, columns] of a possibly transposed operand. */
function matrixOf(shape: Shape, transposed: boolean): { leading: Shape; rows: number; columns: number } {
  const [first, second] = shape.slice(-2) as [number, number];
  return {
    leading: shape.slice(0, -2),
    rows: transposed ? second : first,
    columns: transposed ? first : second,
  };
}

const swapLast = (x: Tensor): Tensor => {
  const axes = x.shape.map((_, axis) => axis);
  return transpose(x, [...axes.slice(0, -2), axes.at(-1)!, axes.at(-2)!]);
};

const flatRows = (x: Tensor): Tensor => reshape(x, [-1, x.shape.at(-1)!]);

export const matmulOps: Definitions<
  'matmul' | 'accumulate_matmul' | 'grouped_matmul' | 'grouped_matmul_wgrad'
> = {
  matmul: {
    infer(call) {
      const { a, b, bias } = call.inputs;
      expectDtype(call, 'f32', { a, b, bias });
      if (a.shape.length < 2 || b.shape.length < 2) call.fail('both must have at least 2 dimensions');
      const left = matrixOf(a.shape, call.attributes.trans_a);
      const right = matrixOf(b.shape, call.attributes.trans_b);
      if (left.columns !== right.rows) call.fail(`the inner sizes ${left.columns} and ${right.rows} differ`);
      if (b.shape.length > 2 && !sameShape(left.leading, right.leading)) {
        call.fail(
          `the leading dimensions ${formatShape(left.leading)} and ${formatShape(right.leading)} differ`,
        );
      }
      if (b.shape.length === 2 && a.shape.length > 2 && call.attributes.trans_a) {
        call.fail('a transposed a of more than 2 dimensions needs a b with the same leading dimensions');
      }
      expectShape(call, 'bias', bias, [right.columns]);
      return { y: f32([...left.leading, left.rows, right.columns]) };
    },
    precision: { operands: ['a', 'b'], stores: ['y'], narrowWeights: true },
    gradient: ({ inputs: { a, b }, grads, attributes }) => {
      const dy = grads.y!;
      const { trans_a: transA, trans_b: transB } = attributes;
      const shared = b.shape.length === 2 && a.shape.length > 2; // one b for all leading rows of a
      return {
        a: () => {
          if (!transA) return matmul(dy, b, { transB: !transB });
          return matmul(b, dy, { transA: transB, transB: true });
        },
        b: () => {
          if (!shared) {
            return transB
              ? matmul(dy, a, { transA: true, transB: transA })
              : matmul(a, dy, { transA: !transA });
          }
          const rows = flatRows(a);
          return transB
            ? matmul(flatRows(dy), rows, { transA: true })
            : matmul(rows, flatRows(dy), { transA: true });
        },
        bias: () => sum(flatRows(dy), { axes: [0] }),
      };
    },
    flops: ({ inputs: { a }, outputs: { y }, attributes }) =>
      2 * elementCount(y.shape) * matrixOf(a.shape, attributes.trans_a).columns,
  },
  accumulate_matmul: {
    infer(call) {
      const { state, a, b } = call.inputs;
      expectDtype(call, 'f32', { state, a, b });
      expectRank(call, 'a', a, 2);
      expectRank(call, 'b', b, 2);
      const left = matrixOf(a.shape, call.attributes.trans_a);
      const right = matrixOf(b.shape, call.attributes.trans_b);
      if (left.columns !== right.rows) call.fail(`the inner sizes ${left.columns} and ${right.rows} differ`);
      expectShape(call, 'state', state, [left.rows, right.columns]);
      return {};
    },
    precision: { operands: ['a', 'b'] },
    flops: ({ inputs: { state, a }, attributes }) =>
      2 * elementCount(state.shape) * matrixOf(a.shape, attributes.trans_a).columns,
  },
  grouped_matmul: {
    infer(call) {
      const { x, w, offsets } = call.inputs;
      expectDtype(call, 'f32', { x, w });
      expectDtype(call, 'i32', { offsets });
      expectRank(call, 'x', x, 2);
      expectRank(call, 'w', w, 3);
      const { rows, columns } = matrixOf(w.shape, call.attributes.trans_b);
      if (x.shape[1] !== rows) call.fail(`the inner sizes ${x.shape[1]} and ${rows} differ`);
      expectShape(call, 'offsets', offsets, [w.shape[0]! + 1]);
      return { y: f32([x.shape[0]!, columns]) };
    },
    precision: { operands: ['x', 'w'], stores: ['y'], narrowWeights: true },
    gradient: ({ graph, inputs: { x, w, offsets }, grads, attributes: { trans_b: transB } }) => ({
      x: () => groupedMatmul(grads.y!, w, offsets, { transB: !transB }),
      w: () => {
        const [a, b] = transB ? [grads.y!, x] : [x, grads.y!];
        return graph.emit('grouped_matmul_wgrad', { a, b, offsets }, {}).dw;
      },
    }),
    flops: ({ inputs: { x }, outputs: { y } }) => 2 * elementCount(x.shape) * (y as TensorType).shape[1]!,
  },
  grouped_matmul_wgrad: {
    infer(call) {
      const { a, b, offsets } = call.inputs;
      expectDtype(call, 'f32', { a, b });
      expectDtype(call, 'i32', { offsets });
      expectRank(call, 'a', a, 2);
      expectRank(call, 'b', b, 2);
      expectRank(call, 'offsets', offsets, 1);
      if (a.shape[0] !== b.shape[0]) call.fail('a and b must have the same rows');
      if (offsets.shape[0]! < 1) call.fail('offsets must have an entry more than there are experts');
      return { dw: f32([offsets.shape[0]! - 1, a.shape[1]!, b.shape[1]!]) };
    },
    precision: { operands: ['a', 'b'] },
    flops: ({ inputs: { a, b } }) => 2 * elementCount(a.shape) * b.shape[1]!,
  },
};
