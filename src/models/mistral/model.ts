import { standardDecoder } from '../blocks/standard-decoder.js';
import type { Family } from '../model.js';

/** Mistral: Llama with a sliding window in every layer (`sliding_window` null: none). */
export const family: Family = {
  build(config) {
    const window = config.optionalNumber('sliding_window') ?? 0;
    return standardDecoder(config, { window: () => window });
  },
};
