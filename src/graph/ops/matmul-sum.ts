import type { Definitions, TensorType } from '../op-definition.js';
import { elementCount, formatShape, sameShape } from '../shape.js';
import { expectDtype, expectRank, expectShape, f32, lastSize } from './checks.js';

/** As many as the kernels hold beside each other; native/core/op-table.h says the same. */
export const mostTerms = 8;

/** The products of a sum: `factors` are a_0 b_0 a_1 b_1 … */
function termsOf(factors: readonly TensorType[]): { a: TensorType; b: TensorType }[] {
  return Array.from({ length: factors.length / 2 }, (_, at) => ({
    a: factors[2 * at]!,
    b: factors[2 * at + 1]!,
  }));
}

/** Made by the pass `fuse-products` after differentiation, so it has no gradient. */
export const matmulSumOps: Definitions<'matmul_sum'> = {
  matmul_sum: {
    infer(call) {
      const { addend, bias, factors } = call.inputs;
      const { trans_b: transB } = call.attributes;
      expectDtype(call, 'f32', { addend, bias });
      for (const factor of factors) expectDtype(call, 'f32', { factor });
      const terms = termsOf(factors);
      if (factors.length % 2 === 1) call.fail('a factor has no other');
      if (terms.length < 1 || terms.length > mostTerms)
        call.fail(`there must be 1 to ${mostTerms} products, not ${terms.length}`);
      if (transB.length !== terms.length || transB.some((flag) => flag !== 0 && flag !== 1))
        call.fail('trans_b must be a 0 or 1 for each product');
      const [rows, columns] = [
        terms[0]!.a.shape.slice(0, -1),
        terms[0]!.b.shape[transB[0] === 1 ? 0 : 1] ?? 0,
      ];
      terms.forEach(({ a, b }, index) => {
        expectRank(call, `b_${index}`, b, 2);
        if (a.shape.length < 2) call.fail(`a_${index} must have at least 2 dimensions`);
        const depth = lastSize(call, `a_${index}`, a);
        expectShape(call, `b_${index}`, b, transB[index] === 1 ? [columns, depth] : [depth, columns]);
        if (!sameShape(a.shape.slice(0, -1), rows))
          call.fail(`a_${index} must have the leading dimensions ${formatShape(rows)}`);
      });
      expectShape(call, 'bias', bias, [columns]);
      expectShape(call, 'addend', addend, [...rows, columns]);
      return { y: f32([...rows, columns]) };
    },
    precision: { operands: ['factors'], stores: ['y'] },
    flops: ({ inputs: { factors }, outputs: { y } }) =>
      termsOf(factors).reduce((sum, { a }) => sum + 2 * elementCount(y.shape) * a.shape.at(-1)!, 0),
  },
};
