import { bf16ToF32, f32ToBf16 } from '../../src/checkpoint/half-precision.js';
import { floats, openSession, programText } from './programs.js';

export interface Product {
  rows: number;
  columns: number;
  depth: number;
  transA: boolean;
  transB: boolean;
  result: 'f32' | 'bf16';
  bias: boolean;
}

/** Largest error of a product against sums in float64, as a share of the sum of the terms' sizes. */
export async function productError(product: Product): Promise<number> {
  const { rows, columns, depth, transA, transB, result, bias } = product;
  const a = f32ToBf16(floats(rows * depth, (i) => ((i * 7919) % 251) / 251 - 0.5));
  const b = f32ToBf16(floats(columns * depth, (i) => ((i * 104729) % 241) / 241 - 0.5));
  const added = floats(columns, (i) => (i % 7) - 3);
  const session = openSession(2);
  const text = programText(
    Math.ceil((4 * rows * columns) / 64) * 64,
    `value 0 input "a" bf16 [${transA ? [depth, rows] : [rows, depth]}]`,
    `value 1 input "b" bf16 [${transB ? [columns, depth] : [depth, columns]}]`,
    `value 2 input "bias" f32 [${columns}]`,
    `value 3 temp @0 ${result} [${rows},${columns}]`,
    'output "y" 3',
    `op matmul (0,1,${bias ? 2 : '_'}) -> (3) {trans_a=${Number(transA)} trans_b=${Number(transB)}} "product"`,
  );
  const { outputs } = await session.load(text).run({ a, b, bias: added });
  session.close();
  const y = result === 'f32' ? new Float32Array(outputs.y!) : bf16ToF32(new Uint16Array(outputs.y!));
  const [left, right] = [bf16ToF32(a), bf16ToF32(b)];
  let worst = 0;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let sum = bias ? added[j]! : 0;
      let size = Math.abs(sum);
      for (let k = 0; k < depth; k++) {
        const term =
          left[transA ? k * rows + i : i * depth + k]! * right[transB ? j * depth + k : k * columns + j]!;
        sum += term;
        size += Math.abs(term);
      }
      worst = Math.max(worst, Math.abs(y[i * columns + j]! - sum) / (size || 1));
    }
  }
  return worst;
}
