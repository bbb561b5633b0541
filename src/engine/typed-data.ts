import type { Dtype } from '../graph/index.js';

const names: Record<Dtype, string> = {
  f32: 'Float32Array',
  bf16: 'Uint16Array',
  i32: 'Int32Array',
  u8: 'Uint8Array',
};

/** Which typed array holds elements of `dtype`. */
export function typedArrayName(dtype: Dtype): string {
  return names[dtype];
}
