import type { ConfigReader } from '../config-reader.js';

/**
 * Sliding window of each layer (0: full attention) by `layer_types`; where the config has none, `usual` says which
 * layers slide, as the family does.
 */
export function layerWindows(
  config: ConfigReader,
  usual: (layer: number) => boolean,
): (layer: number) => number {
  const window = config.optionalNumber('sliding_window') ?? 0;
  const types = config.strings('layer_types');
  return (layer) => {
    const slides = types ? types[layer] === 'sliding_attention' : usual(layer);
    return slides ? window : 0;
  };
}
