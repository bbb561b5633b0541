import type { WeightFiles } from '../checkpoint/index.js';
import type { FileWeight } from '../engine/index.js';
import { quantizedShapes } from '../graph/index.js';
import { fileTensors, type ParameterSpec } from './parameter.js';
import { codesName, projectionRows, scalesName } from './quantize.js';
import { storedDtype, type WeightStorage } from './storage.js';

/** A state that a weight takes. */
export interface HeldState {
  readonly name: string;
  readonly dtype: 'f32' | 'bf16' | 'u8';
  readonly shape: readonly number[];
}

/** What a session creates for a parameter, and reads into it. `stored`: canonical name -> name in the files. */
export function weightInFiles(
  parameter: ParameterSpec,
  storage: WeightStorage,
  files: WeightFiles,
  stored: ReadonlyMap<string, string>,
): { states: HeldState[]; weight: FileWeight } {
  const { name, shape, projection } = parameter;
  const parts = fileTensors(parameter).map((tensor) => files.part(stored.get(tensor.name)!));
  const format = projection === undefined ? null : storage.quantization;
  if (format === null) {
    const held = storedDtype(storage, parameter);
    const weight = { state: name, held, ...rowsOf(shape), transposed: false, parts };
    return { states: [{ name, dtype: held, shape }], weight };
  }
  const { transposed } = projection!;
  const rows = projectionRows(shape, transposed);
  const shapes = quantizedShapes(format, rows);
  const [state, scales] = [codesName(name), scalesName(name)];
  return {
    states: [
      { name: state, dtype: 'u8', shape: shapes.codes },
      { name: scales, dtype: 'f32', shape: shapes.scales },
    ],
    weight: { state, scales, held: format, ...rowsOf(rows), transposed, parts },
  };
}

function rowsOf(shape: readonly number[]): { rows: number; columns: number } {
  const rows = shape.slice(0, -1).reduce((product, size) => product * size, 1);
  return { rows, columns: shape.at(-1) ?? 1 };
}
