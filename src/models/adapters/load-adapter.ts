import { Graph } from '../../graph/index.js';
import { batchInputs, type Model } from '../model.js';
import type { StateStore } from '../weights.js';
import { LoraAdapter } from './lora.js';
import { loadPeftWeights, readPeftConfig } from './peft-folder.js';

/** A PEFT folder as an adapter for inference, its matrices in the session. Throws what reading it throws. */
export function loadAdapter(folder: string, model: Model, states: StateStore): LoraAdapter {
  const adapter = new LoraAdapter(readPeftConfig(folder));
  model.forward(batchInputs(new Graph(), 1, 2), { adapter }); // so that its parameters are known
  loadPeftWeights(folder, adapter, states);
  return adapter;
}
