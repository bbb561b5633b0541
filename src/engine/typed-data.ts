import type { Dtype, TypedArray } from '../graph/index.js';

const arrays = { f32: Float32Array, bf16: Uint16Array, i32: Int32Array, u8: Uint8Array } as const;

/** Why `data` does not hold elements of `dtype`, or null where it does. bf16 is held as its raw 16 bits. */
export function typeMismatch(dtype: Dtype, data: TypedArray): string | null {
  if (data instanceof arrays[dtype]) return null;
  return `is ${dtype} and takes a ${arrays[dtype].name}, not a ${data.constructor.name}`;
}
