import { join, resolve } from 'node:path';
import { type ComposedConfig, checkSchema, loadSchema, schemaError } from '../config/index.js';
import type { ComposedStage } from '../runner/compose-stage.js';
import type { StageEntry } from '../runner/stage.js';
import { hydraFiles } from './compose.js';
import { pluginProblems } from './plugged.js';
import type { Project } from './project.js';

/** A composed config as a stage to run. Throws SluiceError `config.*` for what is wrong with it. */
export async function readyStage(
  stage: StageEntry,
  composed: ComposedConfig,
  project: Project,
): Promise<ComposedStage> {
  const schema = loadSchema(join(project.configs, `${stage.config}.schema.json`));
  const violations = await checkSchema(composed.config(), schema, (path) => composed.origin(path)?.where);
  violations.push(...(await pluginProblems(stage, composed, project)));
  violations.sort((a, b) => (a.path < b.path ? -1 : 1));
  if (violations.length > 0) throw schemaError(violations);
  const runDirectory = String(composed.value('hydra.run.dir'));
  return {
    stage: stage.name,
    config: composed.config(),
    hydraFiles: hydraFiles(composed),
    wantedFolder: resolve(project.root, runDirectory),
  };
}
