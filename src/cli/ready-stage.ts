import { join, resolve } from 'node:path';
import { type ComposedConfig, checkSchema, loadSchema, schemaError } from '../config/index.js';
import type { ComposedStage } from '../runner/compose-stage.js';
import type { StageEntry } from '../runner/stage.js';
import { jobSetup } from './job-setup.js';
import { pluginProblems } from './plugged.js';
import type { Project } from './project.js';

/** A composed config as a stage to run. Throws SluiceError `config.*` for what is wrong with it. */
export async function readyStage(
  stage: StageEntry,
  composed: ComposedConfig,
  project: Project,
): Promise<ComposedStage> {
  const wantedFolder = resolve(project.root, String(composed.value('hydra.run.dir')));
  composed.beginJob(wantedFolder);
  const schema = loadSchema(join(project.configs, `${stage.config}.schema.json`));
  const violations = await checkSchema(composed.config(), schema, (path) => composed.origin(path)?.where);
  violations.push(...(await pluginProblems(stage, composed, project)));
  violations.sort((a, b) => (a.path < b.path ? -1 : 1));
  if (violations.length > 0) throw schemaError(violations);
  const setup = (folder: string) => jobSetup(composed, folder, project);
  const { config } = setup(wantedFolder);
  return { stage: stage.name, config, wantedFolder, setup };
}
