import { elementCount, type Program, type TypedArray } from '../../src/graph/index.js';
import type { ProgramStore } from '../../src/models/index.js';
import { interpret } from '../graph/reference/interpreter.js';

/** A session of the float64 reference interpreter: whole models without the native engine. */
export class ReferenceSession implements ProgramStore {
  readonly #states: Record<string, Float64Array> = {};
  readonly #shapes: Record<string, readonly number[]> = {};

  setState(
    name: string,
    _dtype: 'f32' | 'bf16' | 'u8',
    shape: readonly number[],
    data: Float32Array | Uint16Array | Uint8Array | null,
  ): void {
    this.#shapes[name] = shape;
    this.#states[name] = Float64Array.from(data ?? new Float64Array(elementCount(shape)));
  }

  getState(name: string) {
    return { shape: this.#shapes[name]!, data: Float32Array.from(this.#states[name]!) };
  }

  dropState(name: string): void {
    delete this.#states[name];
  }

  load(program: Program) {
    const run = async (inputs: Record<string, TypedArray> = {}) => {
      const { outputs, states } = interpret(program, inputs, this.#states);
      Object.assign(this.#states, states);
      return Object.fromEntries(
        program.outputTypes.map(({ name, dtype }) => [
          name,
          dtype === 'i32' ? Int32Array.from(outputs[name]!) : Float32Array.from(outputs[name]!),
        ]),
      ) as Record<string, Float32Array>;
    };
    const runWith = (available: Record<string, TypedArray>) =>
      run(Object.fromEntries(program.inputs.map(({ name }) => [name, available[name]!])));
    return { program, lastSeconds: 1, run, runWith };
  }
}
