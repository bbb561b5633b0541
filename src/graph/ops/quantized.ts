import type { Definitions, TensorType } from '../op-definition.js';
import { elementCount } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { expectDtype, expectShape, f32 } from './checks.js';

/** How frozen weights are kept: 8 bits a weight, or 4. */
export type QuantizedFormat = 'int8' | 'nf4';

/** Columns that share a scale, and the columns to whose multiple every row is padded. */
export const quantBlock = 64;
export const quantGroup = 128;

export const paddedColumns = (columns: number): number => Math.ceil(columns / quantGroup) * quantGroup;

/** Shapes of the codes (u8) and scales (f32) of weights [...,N,K]. */
export function quantizedShapes(
  format: QuantizedFormat,
  shape: readonly number[],
): { codes: number[]; scales: number[] } {
  const padded = paddedColumns(shape.at(-1)!);
  const rows = shape.slice(0, -1);
  return {
    codes: [...rows, format === 'int8' ? padded : padded / 2],
    scales: [...rows, padded / quantBlock],
  };
}

export interface QuantizedWeight {
  readonly format: QuantizedFormat;
  /** K */
  readonly columns: number;
  readonly codes: Tensor;
  readonly scales: Tensor;
}

/**
 * x [...,K] times frozen quantised weights [N,K] (transB), or x [...,N] times them as they lie. With offsets i32[E+1]
 * the rows of x [R,·] are grouped by expert and weights are [E,N,K]. The weights have no gradient.
 */
export function quantizedMatmul(
  x: Tensor,
  weight: QuantizedWeight,
  options: { transB: boolean; bias?: Tensor | null; offsets?: Tensor | null },
): Tensor {
  const { format, columns, codes, scales } = weight;
  const { transB, bias = null, offsets = null } = options;
  const inputs = { x, codes, scales, bias, offsets };
  return x.graph.emit('quantized_matmul', inputs, { format, columns, trans_b: transB }).y;
}

export const quantizedOps: Definitions<'quantized_matmul'> = {
  quantized_matmul: {
    infer(call) {
      const { x, codes, scales, bias, offsets } = call.inputs;
      const { format, columns, trans_b: transB } = call.attributes;
      expectDtype(call, 'f32', { x, scales, bias });
      expectDtype(call, 'u8', { codes });
      expectDtype(call, 'i32', { offsets });
      if (format !== 'int8' && format !== 'nf4') call.fail(`format is ${format}, not int8 or nf4`);
      const rank = offsets ? 3 : 2;
      if (codes.shape.length !== rank) call.fail(`codes must have ${rank} dimensions`);
      if (x.shape.length < 1 || (offsets && x.shape.length !== 2)) call.fail('x must have rows');
      const rows = codes.shape.at(-2)!;
      const shapes = quantizedShapes(format as QuantizedFormat, [...codes.shape.slice(0, -1), columns]);
      expectShape(call, 'codes', codes, shapes.codes);
      expectShape(call, 'scales', scales, shapes.scales);
      const inner = transB ? columns : rows;
      if (x.shape.at(-1) !== inner) call.fail(`the inner sizes ${x.shape.at(-1)} and ${inner} differ`);
      if (bias && (!transB || offsets)) call.fail('a bias goes with trans_b, without offsets');
      expectShape(call, 'bias', bias, [rows]);
      expectShape(call, 'offsets', offsets, [codes.shape[0]! + 1]);
      return { y: f32([...x.shape.slice(0, -1), transB ? rows : columns]) };
    },
    precision: { operands: ['x'], stores: ['y'] },
    gradient: ({ inputs: { codes, scales, bias, offsets }, grads, attributes, fail }) => ({
      x: () => {
        const { columns, trans_b: transB } = attributes;
        const format = attributes.format as QuantizedFormat;
        return quantizedMatmul(grads.y!, { format, columns, codes, scales }, { transB: !transB, offsets });
      },
      scales: () => fail('quantised weights do not learn'),
      bias: () => fail(`bias ${bias} of quantised weights does not learn`),
    }),
    flops: ({ inputs: { codes }, outputs: { y }, attributes }) =>
      2 * elementCount((y as TensorType).shape.slice(0, -1)) * attributes.columns * codes.shape.at(-2)!,
    scratch: ({ inputs: { x }, outputs: { y } }) =>
      x.dtype === 'bf16' ? 4 * (elementCount(x.shape) + elementCount((y as TensorType).shape)) : 0,
  },
};
