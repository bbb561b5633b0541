import { toYaml } from '../../config/yaml/to-yaml.js';
import { SluiceError } from '../../errors.js';
import { configHash } from '../../runner/config-hash.js';
import type { FoundRun } from '../../runner/runs/find-run.js';

/**
 * The resolved config that a run was given, as the text of a config file that means just that: a `${` in a value is
 * escaped, and the run's own folder is `${hydra:runtime.output_dir}`, so that a new run gets its own.
 * Throws SluiceError `usage.rerun` where the record does not hold it, or not exactly.
 */
export function recordedConfig({ folder, record }: FoundRun): string {
  const { id, config, configSha256 } = record;
  if (config === undefined || configHash(config) !== configSha256) {
    throw new SluiceError('usage.rerun', `${id} does not hold its exact config`, {
      where: folder,
      hint: `it is of an earlier version, or has a value such as .inf that JSON lacks; ./run --experimental-rerun ${folder} takes the config as it was written`,
    });
  }
  return toYaml(
    mapTexts(config, (text) => literal(text).replaceAll(literal(folder), '${hydra:runtime.output_dir}')),
  );
}

// As OmegaConf reads it: a backslash escapes `${`, and is itself only where it stands before one.
const literal = (text: string) =>
  text.replace(/(\\*)\$\{/g, (_, slashes: string) => `${slashes}${slashes}\\\${`);

function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((each) => mapTexts(each, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, mapTexts(each, change)]));
}
