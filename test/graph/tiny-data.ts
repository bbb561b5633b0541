import { elementCount, type Program } from '../../src/graph/index.js';
import { Data } from '../numerics/data.js';
import type { Arrays } from './reference/interpreter.js';
import { tiny } from './tiny-models.js';

/** Inputs and states for a program of a tiny decoder: two packed documents and padding, weights around 0.3. */
export function tinyData(program: Program, seed = 5): { inputs: Arrays; states: Arrays } {
  const data = new Data(seed);
  const { batch, length, vocabulary } = tiny;
  const shape = [batch, length];
  const known: Arrays = {
    input_ids: data.ints(shape, 0, vocabulary).values,
    labels: data.ints(shape, -3, vocabulary).values,
    segment_ids: [1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 0, 0],
    positions: [0, 1, 2, 0, 1, 2, 0, 1, 2, 3, 0, 0],
    scalars: [0.01, 1, 1].map(Math.fround),
  };
  const inputs = Object.fromEntries(program.inputs.map(({ name }) => [name, known[name]!]));
  const states = Object.fromEntries(
    program.states.map(({ name, shape: size }) => {
      const isMoment = name.startsWith('m.') || name.startsWith('v.');
      return [
        name,
        isMoment ? new Array<number>(elementCount(size)).fill(0) : data.normal(size, 0.3, 0.1).values,
      ];
    }),
  );
  return { inputs, states };
}
