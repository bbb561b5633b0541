import type { ComposedConfig } from '../config/compose.js';
import { listOrigins } from '../config/origin-listing.js';
import { toYaml } from '../config/yaml/to-yaml.js';
import type { HydraFiles } from '../runner/run-folder.js';

/** The texts that a run folder stores of its config. */
export function hydraFiles(composed: ComposedConfig): HydraFiles {
  return {
    subdirectory: (composed.value('hydra.output_subdir') ?? null) as string | null,
    config: composed.yaml(),
    hydra: composed.hydraYaml(),
    overrides: toYaml(composed.overrides.task),
    origins: listOrigins(composed)
      .map((entry) => `${JSON.stringify(entry)}\n`)
      .join(''),
  };
}
