import { layerWindows } from '../blocks/layer-windows.js';
import { standardDecoder } from '../blocks/standard-decoder.js';
import type { Family } from '../model.js';

/** Qwen2 and 2.5: biases on queries, keys and values; upper layers may slide. */
export const family: Family = {
  build(config) {
    const sliding = config.boolean('use_sliding_window', false);
    const firstSliding = config.integer('max_window_layers', 28);
    const window = layerWindows(config, (layer) => layer >= firstSliding);
    return standardDecoder(config, { qkvBias: true, window: sliding ? window : undefined });
  },
};
