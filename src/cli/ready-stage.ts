import { join, resolve } from 'node:path';
import {
  type CheckOptions,
  type ComposedConfig,
  checkConfig,
  placeOfValue,
  SchemaError,
  type Violation,
} from '../config/index.js';
import type { ComposedStage } from '../runner/compose-stage.js';
import type { StageEntry } from '../runner/stage.js';
import { machineFacts } from './check-facts.js';
import { jobSetup, logSettings } from './job-setup.js';
import { pluginProblems } from './plugged.js';
import type { Project } from './project.js';
import { validatorOf } from './validator.js';

/** A composed config as a stage to run. Throws SluiceError `config.schema` with all that is wrong with it; warnings are printed. */
export async function readyStage(
  stage: StageEntry,
  composed: ComposedConfig,
  project: Project,
  options: CheckOptions = {},
): Promise<ComposedStage> {
  let wantedFolder = '';
  let noFolder: unknown;
  try {
    wantedFolder = resolve(project.root, String(composed.value('hydra.run.dir')));
    composed.beginJob(wantedFolder);
  } catch (error) {
    noFolder = error; // mostly for want of a value that is wrong itself, and then told below
  }
  const validate = await validatorOf(join(project.configs, `${stage.config}.schema.json`));
  const { violations, warnings, mayStayUnread } = checkConfig(composed, validate, {
    ...machineFacts(project),
    stage: stage.name,
    ...options,
  });
  const plugged = pluginProblems(stage, composed, project).catch((error: unknown) => {
    if (violations.length === 0) throw error;
    return [];
  });
  const found = [...violations, ...(await plugged)].sort((a, b) => (a.path < b.path ? -1 : 1));
  if (found.length > 0) throw new SchemaError(found);
  if (noFolder !== undefined) throw noFolder;
  for (const { path, message, where } of warnings)
    project.stderr.write(`warning: ${path}: ${message}${where === undefined ? '' : ` (${where})`}\n`);
  logSettings(composed, 'hydra.job_logging'); // what is wrong with it is told now, not when the job starts
  const written = composed.config();
  const patch = await continued(stage, composed, written, project, options);
  const setup = (folder: string) => {
    const job = jobSetup(composed, folder, project);
    return { ...job, config: { ...job.config, ...patch } };
  };
  return { stage: stage.name, config: { ...written, ...patch }, mayStayUnread, wantedFolder, setup };
}

/** The checkpoint that `latest` means, as a change to the config. Throws for a config that is not of the run it goes on from. */
async function continued(
  stage: StageEntry,
  composed: ComposedConfig,
  config: Record<string, unknown>,
  { root, stderr }: Project,
  { isMadeLater }: CheckOptions,
): Promise<Record<string, unknown>> {
  const { continuation } = await import('../runner/continuation/continuation.js');
  const found = continuation(stage.name, config, root);
  if (found === undefined || isMadeLater?.(found.path)) return {};
  if (found.problems.length > 0) {
    throw new SchemaError(
      found.problems.map((problem) => ({
        hint: undefined,
        ...problem,
        where: placeOfValue(composed, problem.path),
      })),
    );
  }
  for (const text of found.warnings) stderr.write(`warning: ${found.key}: ${text}\n`);
  return { [found.key]: found.path };
}

/** The same for the jobs of a sweep. */
export const readyStages = (
  stage: StageEntry,
  configs: readonly ComposedConfig[],
  project: Project,
): Promise<ComposedStage[]> =>
  readyAll(configs, (composed) => readyStage(stage, composed, project, { isSweep: true }));

/** Checks one after the other: what is wrong with any of them is told at once, and once. */
export async function readyAll<Given, Ready>(
  all: readonly Given[],
  readyOne: (one: Given) => Promise<Ready>,
): Promise<Ready[]> {
  const ready: Ready[] = [];
  const found = new Map<string, Violation>();
  for (const one of all) {
    try {
      ready.push(await readyOne(one));
    } catch (error) {
      if (!(error instanceof SchemaError)) throw error;
      for (const violation of error.violations) found.set(JSON.stringify(violation), violation);
    }
  }
  if (found.size > 0) throw new SchemaError([...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1)));
  return ready;
}
