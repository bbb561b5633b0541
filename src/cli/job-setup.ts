import { resolve } from 'node:path';
import type { ComposedConfig } from '../config/compose.js';
import type { JobSetup } from '../runner/compose-stage.js';
import { type LogSettings, readLogSettings } from '../runner/logging/settings.js';
import { hydraFiles } from './hydra-files.js';
import type { Project } from './project.js';

/** A logging node of the config, with `hydra.verbose`. Throws SluiceError `config.logging` for what is wrong with it. */
export function logSettings(
  composed: ComposedConfig,
  path: 'hydra.job_logging' | 'hydra.hydra_logging',
): LogSettings {
  return readLogSettings({
    path,
    value: composed.value(path),
    verbose: composed.value('hydra.verbose'),
    origin: (at) => composed.origin(at)?.where,
  });
}

/** What a composed config says of a job that runs in `folder`. Throws SluiceError `config.*` for what is wrong with it. */
export function jobSetup(composed: ComposedConfig, folder: string, { root }: Project): JobSetup {
  composed.beginJob(folder);
  const env = Object.entries((composed.value('hydra.job.env_set') ?? {}) as Record<string, unknown>);
  return {
    config: composed.config(),
    hydraFiles: hydraFiles(composed),
    logging: logSettings(composed, 'hydra.job_logging'),
    env: Object.fromEntries(env.map(([name, value]) => [name, String(value)])),
    workingDirectory: composed.value('hydra.job.chdir') === true ? folder : resolve(root),
  };
}
