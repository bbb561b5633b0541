import type { Model } from '../model.js';
import type { StateStore } from '../weights.js';
import { LoraAdapter } from './lora.js';
import { loadPeftWeights, readPeftConfig } from './peft-folder.js';

/** A PEFT folder as an adapter for inference, its matrices in the session. Throws what reading it throws. */
export function loadAdapter(folder: string, model: Model, states: StateStore): LoraAdapter {
  const adapter = new LoraAdapter(readPeftConfig(folder));
  model.parameters({ adapter }); // tracing meets every adapted layer
  loadPeftWeights(folder, adapter, states);
  return adapter;
}
