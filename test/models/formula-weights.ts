import { fileTensors, type Model, type ParameterSpec, type StateStore } from '../../src/models/index.js';

/** Weights anyone can make again: sine waves by element, their phase by the sum of the name's bytes. */
export function setFormulaWeights(model: Model, states: StateStore): void {
  for (const parameter of model.parameters()) {
    states.setState(parameter.name, 'f32', parameter.shape, formulaValue(parameter));
  }
}

function formulaValue(parameter: ParameterSpec): Float32Array {
  return Float32Array.from(
    fileTensors(parameter).flatMap(({ name, shape }) => {
      const phase = Buffer.from(name).reduce((sum, byte) => sum + byte, 0) % 97;
      const isNorm = shape.length === 1 && name.endsWith('weight');
      const scale = shape.length === 1 ? 0.1 : 0.4;
      const count = shape.reduce((product, size) => product * size, 1);
      return Array.from({ length: count }, (_, k) => Math.sin(k * 1.7 + phase) * scale + (isNorm ? 1 : 0));
    }),
  );
}
