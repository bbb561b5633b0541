import { dtypeBytes, elementCount, type Program } from '../graph/index.js';

/** Inputs of products that hold weights. */
const weightInputs: Readonly<Record<string, readonly number[]>> = {
  matmul: [1],
  grouped_matmul: [1],
  quantized_matmul: [1, 2],
};

/** Bytes of weights that one run reads: with few tokens, what its speed hangs on. Of experts only those that can be chosen. */
export function weightBytes({ ops, values }: Program): number {
  let bytes = 0;
  for (const { op, inputs } of ops) {
    const grouped = op === 'grouped_matmul' ? inputs[2] : op === 'quantized_matmul' ? inputs[4] : null;
    const rows = values[inputs[0] ?? 0]!.shape[0]!;
    for (const input of weightInputs[op] ?? []) {
      const { shape, dtype } = values[inputs[input]!]!;
      const share = grouped == null ? 1 : Math.min(1, rows / shape[0]!);
      bytes += share * elementCount(shape) * dtypeBytes(dtype);
    }
  }
  return bytes;
}
