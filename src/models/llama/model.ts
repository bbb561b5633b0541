import { standardDecoder } from '../blocks/standard-decoder.js';
import type { Family } from '../model.js';

/** Llama 1 to 3.x: grouped heads, rotary embedding with any scaling, optional biases. */
export const family: Family = {
  build(config) {
    const bias = config.boolean('attention_bias', false);
    return standardDecoder(config, {
      qkvBias: bias,
      outBias: bias,
      mlpBias: config.boolean('mlp_bias', false),
    });
  },
};
