import type { Executable } from '../engine/index.js';

/**
 * Takes a step whose loss or gradient norm was not finite once more, every op's outputs checked: the error that names
 * the first NaN or infinity by op and layer. The update left the weights alone, so the step is the same step.
 */
export async function firstNonFinite(
  programs: readonly (Executable | null)[],
  takeStep: () => Promise<unknown>,
): Promise<Error> {
  for (const program of programs) program?.setCheckFinite(true);
  try {
    await takeStep();
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  } finally {
    for (const program of programs) program?.setCheckFinite(false);
  }
  return new Error('no op of the step gave it when the step was taken again');
}
