import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { CommandLine } from './arguments.js';
import type { Project } from './project.js';

/** A composed config with all that the command line may ask of it. */
export interface Composition {
  /** Resolved, plain. */
  config: Record<string, unknown>;
  /** With interpolations as written. */
  raw: Record<string, unknown>;
  /** `.hydra/*.yaml` */
  hydraFiles: { config: string; hydra: string; overrides: string };
  /** hydra.run.dir, resolved; relative to the project root. */
  runDirectory: string;
  /** What `--cfg` prints. */
  print(line: CommandLine): string;
}

export async function compose(
  configName: string,
  jobName: string,
  overrides: readonly string[],
  project: Project,
): Promise<Composition> {
  const config = parse(readFileSync(join(project.configs, `${configName}.yaml`), 'utf8')) as Record<
    string,
    unknown
  >;
  delete config.defaults;
  for (const override of overrides) {
    const at = override.indexOf('=');
    const keys = override.slice(0, at).replace(/^\++/, '').split('.');
    let node = config;
    for (const key of keys.slice(0, -1)) node = (node[key] ??= {}) as Record<string, unknown>;
    node[keys.at(-1)!] = parse(override.slice(at + 1));
  }
  const now = new Date().toISOString();
  return {
    config,
    raw: config,
    hydraFiles: { config: stringify(config), hydra: '', overrides: stringify(overrides) },
    runDirectory: `outputs/${jobName}/${now.slice(0, 10)}/${now.slice(11, 19).replaceAll(':', '-')}`,
    print: () => stringify(config),
  };
}
