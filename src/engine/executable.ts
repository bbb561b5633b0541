import { SluiceError } from '../errors.js';
import { elementCount, type NamedType, type Program, type TypedArray, typedArray } from '../graph/index.js';
import type { NativeProgram, OpProfile } from './addon.js';
import { nativeError } from './native-error.js';
import { typeMismatch } from './typed-data.js';

/** A program loaded into a session. */
export class Executable {
  readonly program: Program;
  /** Seconds the last run took inside the engine. */
  lastSeconds = 0;
  readonly #native: NativeProgram;

  constructor(native: NativeProgram, program: Program) {
    this.#native = native;
    this.program = program;
  }

  /**
   * Runs the whole program off the event loop; runs of one session queue up. Takes and gives typed arrays by dtype.
   * Throws `engine.input` for an input that is missing, unknown or of another type or length, and `engine.run`
   * naming the op where the engine fails.
   */
  async run(inputs: Readonly<Record<string, TypedArray>> = {}): Promise<Record<string, TypedArray>> {
    checkInputs(this.program.inputs, inputs);
    try {
      const { outputs, seconds } = await this.#native.run(inputs);
      this.lastSeconds = seconds;
      return Object.fromEntries(
        this.program.outputTypes.map(({ name, dtype }) => [name, typedArray(dtype, outputs[name]!)]),
      );
    } catch (cause) {
      throw nativeError('engine.run', cause);
    }
  }

  /** As `run`, with those of `available` that the program takes: not every model has positions or draws numbers. */
  runWith(available: Readonly<Record<string, TypedArray>>): Promise<Record<string, TypedArray>> {
    return this.run(Object.fromEntries(this.program.inputs.map(({ name }) => [name, available[name]!])));
  }

  /** Time per op, summed over the runs since profiling was switched on. */
  profile(): OpProfile[] {
    return this.#native.profile();
  }

  setProfiling(on: boolean): void {
    this.#native.setProfiling(on);
  }

  /** Checks every float an op makes, at a price; the first NaN or infinity stops the run naming op and scope. */
  setCheckFinite(on: boolean): void {
    this.#native.setCheckFinite(on);
  }
}

function checkInputs(wanted: readonly NamedType[], given: Readonly<Record<string, TypedArray>>): void {
  const refuse = (name: string, reason: string): never => {
    throw new SluiceError('engine.input', `input ${name} ${reason}`, { where: name });
  };
  for (const { name, dtype, shape } of wanted) {
    const data = given[name];
    if (!data) {
      refuse(name, `(${dtype}[${shape}]) is missing`);
      continue;
    }
    const mismatch = typeMismatch(dtype, data);
    if (mismatch) refuse(name, mismatch);
    if (data.length !== elementCount(shape)) {
      refuse(name, `of shape [${shape}] needs ${elementCount(shape)} elements, not ${data.length}`);
    }
  }
  const names = wanted.map(({ name }) => name);
  for (const name of Object.keys(given)) {
    if (!names.includes(name))
      refuse(name, `is none of this program's: ${names.join(', ') || 'it has none'}`);
  }
}
