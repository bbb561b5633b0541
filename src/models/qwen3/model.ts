import { layerWindows } from '../blocks/layer-windows.js';
import { standardDecoder } from '../blocks/standard-decoder.js';
import type { Family } from '../model.js';

/** Qwen3: RMS norm on every query and key head, no biases unless configured. */
export const family: Family = {
  build(config) {
    const bias = config.boolean('attention_bias', false);
    const sliding = config.boolean('use_sliding_window', false);
    const firstSliding = config.integer('max_window_layers', 28);
    const window = layerWindows(config, (layer) => layer >= firstSliding);
    return standardDecoder(config, {
      headNorm: true,
      qkvBias: bias,
      outBias: bias,
      window: sliding ? window : undefined,
    });
  },
};
