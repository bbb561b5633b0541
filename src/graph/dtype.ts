/** Element types of the engine. Arithmetic is f32 unless an op says otherwise; i32 holds ids, u8 raw bytes. */
export type Dtype = 'f32' | 'bf16' | 'i32' | 'u8';

const bytesPerElement: Record<Dtype, number> = { f32: 4, bf16: 2, i32: 4, u8: 1 };

export function dtypeBytes(dtype: Dtype): number {
  return bytesPerElement[dtype];
}

export function isDtype(text: string): text is Dtype {
  return Object.hasOwn(bytesPerElement, text);
}

/** What JavaScript holds elements in; bf16 travels as its raw 16 bits. */
export type TypedArray = Float32Array | Uint16Array | Int32Array | Uint8Array;

/** A typed array over all of `buffer`, by dtype. */
export function typedArray(dtype: Dtype, buffer: ArrayBuffer): TypedArray {
  if (dtype === 'f32') return new Float32Array(buffer);
  if (dtype === 'bf16') return new Uint16Array(buffer);
  if (dtype === 'i32') return new Int32Array(buffer);
  return new Uint8Array(buffer);
}
