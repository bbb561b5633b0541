import { SluiceError } from '../errors.js';
import {
  type Dtype,
  elementCount,
  formatShape,
  type Program,
  type Shape,
  type TypedArray,
  typedArray,
} from '../graph/index.js';
import type { FileWeight, NativeSession } from './addon.js';
import { Executable } from './executable.js';
import { guarded } from './native-error.js';
import { typeMismatch } from './typed-data.js';

export interface SessionOptions {
  device: string;
  threads: number;
}

export interface State {
  readonly dtype: Dtype;
  readonly shape: Shape;
  readonly data: TypedArray;
}

/** Named states (weights, moments, caches) on one device, shared by the programs loaded into it. */
export class Session {
  /** As it was asked for: `cpu`, `cuda:1`. */
  readonly device: string;
  readonly #native: NativeSession;
  readonly #threads: number;
  #open = true;

  constructor(native: NativeSession, { device, threads }: SessionOptions) {
    this.device = device;
    this.#native = native;
    this.#threads = threads;
  }

  /** Creates or replaces a state with a copy of `data`, or with zeros. Throws `engine.state`. */
  setState(name: string, dtype: Dtype, shape: Shape, data: TypedArray | null): void {
    if (data) {
      const mismatch = typeMismatch(dtype, data);
      if (mismatch) this.#refuse(name, mismatch);
      if (data.length !== elementCount(shape)) {
        this.#refuse(name, `of shape ${formatShape(shape)} was given ${data.length} elements`);
      }
    }
    guarded('engine.state', () => this.#live().setState(name, dtype, shape, data));
  }

  /** A copy of a state. Throws `engine.state` where there is none of that name. */
  getState(name: string): State {
    const { dtype, shape, data } = guarded('engine.state', () => this.#live().getState(name));
    return { dtype: dtype as Dtype, shape, data: typedArray(dtype as Dtype, data) };
  }

  /** Fills states that exist from open files. Throws `engine.weights`: a file that ends, or a state of another size. */
  readWeights(weights: readonly FileWeight[]): void {
    guarded('engine.weights', () => this.#live().readWeights(weights, this.#threads));
  }

  states(): { name: string; dtype: Dtype; shape: Shape; bytes: number }[] {
    return this.#live()
      .states()
      .map((state) => ({ ...state, dtype: state.dtype as Dtype }));
  }

  dropState(name: string): void {
    guarded('engine.state', () => this.#live().dropState(name));
  }

  /** Decodes and checks a program once. Its states must exist when it runs. Throws `engine.load`. */
  load(program: Program): Executable {
    return new Executable(
      guarded('engine.load', () => this.#live().load(program.text)),
      program,
    );
  }

  /** Bytes held now: all states, and the one arena that the session's programs share; and what the device could still give. */
  bytes(): { states: number; arena: number; available: number } {
    return this.#live().bytes();
  }

  /** Frees states and arena. Programs of the session cannot run any more. Closing twice is fine. */
  close(): void {
    if (this.#open) this.#native.close();
    this.#open = false;
  }

  #live(): NativeSession {
    if (!this.#open) throw new SluiceError('engine.closed', 'the session is closed');
    return this.#native;
  }

  #refuse(name: string, reason: string): never {
    throw new SluiceError('engine.state', `state ${name} ${reason}`, { where: name });
  }
}
