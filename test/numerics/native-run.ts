import { type Engine, openEngine } from '../../src/engine/index.js';
import { SluiceError } from '../../src/errors.js';
import { dtypeBytes, type TypedArray, typedArray } from '../../src/graph/index.js';
import type { Given } from './data.js';
import type { RowProgram } from './trace-row.js';

/** The built engine, or null on a machine where it is not built: the native half of the tests is then skipped. */
export async function builtEngine(): Promise<Engine | null> {
  try {
    return await openEngine();
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'engine.missing') return null;
    throw error;
  }
}

/** In a `describe` block: the built engine for its tests, which are skipped where it is not built. */
export function useEngine(): () => Engine {
  let engine: Engine | null = null;
  before(async function () {
    engine = await builtEngine();
    if (!engine) this.skip(); // the native engine is not built
  });
  return () => engine!;
}

/** Runs a row's program natively: its outputs and, under their own names, the states it leaves. */
export async function runNative(
  engine: Engine,
  { program, inputs, states }: RowProgram,
  device = 'cpu',
): Promise<Record<string, TypedArray>> {
  const session = engine.session({ device, threads: program.threads });
  try {
    for (const [name, given] of Object.entries(states)) {
      session.setState(name, given.dtype, given.shape, toTyped(given));
    }
    const executable = session.load(program);
    const used = Object.fromEntries(program.inputs.map(({ name }) => [name, toTyped(inputs[name]!)]));
    const outputs = await executable.run(used);
    for (const { name } of program.states) outputs[name] = session.getState(name).data;
    return outputs;
  } finally {
    session.close();
  }
}

export function toTyped({ dtype, values }: Given): TypedArray {
  const array = typedArray(dtype, new ArrayBuffer(values.length * dtypeBytes(dtype)));
  array.set(values);
  return array;
}
