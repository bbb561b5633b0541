import {
  paddedColumns,
  type QuantizedFormat,
  quantBlock,
  quantGroup,
  quantizedShapes,
} from '../graph/index.js';
import type { ParameterSpec } from './parameter.js';

/** The 16 values of NF4: quantiles of a normal distribution scaled to [-1, 1] (QLoRA, arXiv 2305.14314, appendix E). */
export const nf4Values: readonly number[] = [
  -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
  -0.18477343022823334, -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725,
  0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
];
const nf4Zero = 7;
const nf4Bounds = Float64Array.from(nf4Values.slice(1), (value, i) => (value + nf4Values[i]!) / 2);

export interface QuantizedRows {
  readonly codes: Uint8Array;
  readonly scales: Float32Array;
}

/**
 * Weights of `rows` rows as codes and scales, in the layout of op `quantized_matmul`. Blocks of 64 columns share a scale:
 * int8 takes the nearest of 255 even steps up to the block's largest absolute value, nf4 the nearest of its 16 values.
 * So |w - w'| is at most absmax/254 for int8, and absmax times half the widest gap (0.152) for nf4.
 */
export function quantizeRows(format: QuantizedFormat, data: Float32Array, rows: number): QuantizedRows {
  const columns = data.length / rows;
  const shapes = quantizedShapes(format, [rows, columns]);
  const codes = new Uint8Array(shapes.codes[0]! * shapes.codes[1]!);
  const scales = new Float32Array(shapes.scales[0]! * shapes.scales[1]!);
  if (format === 'nf4') codes.fill(nf4Zero * 0x11);
  const padded = paddedColumns(columns);
  for (let row = 0; row < rows; row++) {
    for (let first = 0; first < columns; first += quantBlock) {
      const from = row * columns + first;
      const to = from + Math.min(quantBlock, columns - first);
      let largest = 0;
      for (let i = from; i < to; i++) largest = Math.max(largest, Math.abs(data[i]!));
      const at = row * padded + first;
      const scale = Math.fround(format === 'int8' ? largest / 127 : largest);
      scales[at / quantBlock] = scale;
      const factor = scale > 0 ? 1 / scale : 0;
      if (format === 'int8') encodeInt8(data, from, to, factor, codes, at);
      else encodeNf4(data, from, to, factor, codes, at);
    }
  }
  return { codes, scales };
}

type Encode = (
  data: Float32Array,
  from: number,
  to: number,
  factor: number,
  codes: Uint8Array,
  at: number,
) => void;

/** Column 16 i + j of a block of 64 is byte i of the block's 32-bit word j, in two's complement. */
const encodeInt8: Encode = (data, from, to, factor, codes, at) => {
  for (let i = 0; i < to - from; i++) {
    const step = Math.round(data[from + i]! * factor);
    codes[at + 4 * (i & 15) + (i >> 4)] = step > 127 ? 127 : step < -127 ? -127 : step;
  }
};

/** Column 16 i + j of a group of 128 is nibble i of the group's 32-bit word j. */
const encodeNf4: Encode = (data, from, to, factor, codes, at) => {
  const group = (at - (at % quantGroup)) / 2;
  for (let i = 0; i < to - from; i++) {
    const code = nearestNf4(data[from + i]! * factor);
    const column = (at + i) % quantGroup;
    const nibble = column >> 4;
    const byte = group + 4 * (column & 15) + (nibble >> 1);
    codes[byte] = nibble & 1 ? (codes[byte]! & 0x0f) | (code << 4) : (codes[byte]! & 0xf0) | code;
  }
};

function nearestNf4(value: number): number {
  let code = value > nf4Bounds[7]! ? 8 : 0;
  if (value > nf4Bounds[code + 3]!) code += 4;
  if (value > nf4Bounds[code + 1]!) code += 2;
  return value > nf4Bounds[code]! ? code + 1 : code;
}

/** Weights as `quantized_matmul` sees them: f32, rounded as it rounds. */
export function dequantizeRows(
  format: QuantizedFormat,
  { codes, scales }: QuantizedRows,
  rows: number,
  columns: number,
): Float32Array {
  const padded = paddedColumns(columns);
  return Float32Array.from({ length: rows * columns }, (_, i) => {
    const at = Math.floor(i / columns) * padded + (i % columns);
    return codeValue(format, codes, at) * scales[Math.floor(at / quantBlock)]!;
  });
}

function codeValue(format: QuantizedFormat, codes: Uint8Array, at: number): number {
  if (format === 'int8') {
    const column = at % quantBlock;
    return (codes[at - column + 4 * (column & 15) + (column >> 4)]! << 24) >> 24;
  }
  const column = at % quantGroup;
  const nibble = column >> 4;
  const byte = codes[(at - column) / 2 + 4 * (column & 15) + (nibble >> 1)]!;
  return Math.fround(nf4Values[(nibble & 1 ? byte >> 4 : byte) & 15]!);
}

/** Session names of what stands for a quantised parameter. */
export const codesName = (parameter: string): string => `${parameter}.codes`;
export const scalesName = (parameter: string): string => `${parameter}.scales`;

/** Shape [...,out,in] of a projection's weight, however its file stores it. */
export function projectionRows(shape: readonly number[], transposed: boolean): readonly number[] {
  return transposed ? [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!] : shape;
}

/** Codes and scales of a projection's weight as files hold it. */
export function quantizeParameter(
  format: QuantizedFormat,
  { shape, projection }: Pick<ParameterSpec, 'shape' | 'projection'>,
  data: Float32Array,
): QuantizedRows & { shapes: ReturnType<typeof quantizedShapes> } {
  const transposed = projection?.transposed ?? false;
  const rows = projectionRows(shape, transposed);
  const ordered = transposed ? transposedCopy(data, shape as [number, number]) : data;
  const count = rows.slice(0, -1).reduce((product, size) => product * size, 1);
  return { ...quantizeRows(format, ordered, count), shapes: quantizedShapes(format, rows) };
}

function transposedCopy(data: Float32Array, [rows, columns]: readonly [number, number]): Float32Array {
  const copy = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++)
      copy[column * rows + row] = data[row * columns + column]!;
  }
  return copy;
}
