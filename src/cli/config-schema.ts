import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleSchema } from '../config/bundle-schema.js';
import { editorSchemas } from '../config/editor-schemas.js';
import { nearest } from '../config/nearest.js';
import { loadSchema } from '../config/schema.js';
import { SluiceError } from '../errors.js';
import type { CommandLine } from './arguments.js';
import { findStage, type Project } from './project.js';

/**
 * `./run config-schema NAME`: the whole JSON Schema of a stage, group or pipeline. Without a name: what there is. With the word
 * `write`: makes the schemas that the first lines of our YAML files name for editors, in `configs/.schemas/`.
 */
export function configSchema({ rest }: CommandLine, project: Project): void {
  const { configs, stdout } = project;
  const [name] = rest;
  if (name === undefined) stdout.write(listing(project));
  else if (rest.length > 1)
    throw new SluiceError('usage.config_schema', `config-schema takes one name, got ${rest.join(' ')}`);
  else if (name === 'write')
    stdout.write(`${writeEditorSchemas(project)} files in ${join(configs, '.schemas')}\n`);
  else stdout.write(`${JSON.stringify(bundleSchema(loadSchema(schemaFile(name, project))), undefined, 2)}\n`);
}

/** Schemas by kind: of stages (named by their configs), of pipelines, and all others, of groups and files they share. */
export function schemaNames({
  configs,
  stages,
}: Project): Record<'stages' | 'pipelines' | 'groups', string[]> {
  const names = (folder: string, ending: string) =>
    readdirSync(folder)
      .filter((file) => file.endsWith(ending))
      .map((file) => file.slice(0, -ending.length))
      .sort();
  const ofStages = stages.map(({ config }) => config);
  return {
    stages: ofStages,
    pipelines: names(join(configs, 'experiment'), '.yaml'),
    groups: names(configs, '.schema.json')
      .filter((name) => ![...ofStages, 'common', 'pipeline'].includes(name))
      .map((name) => name.replace(/^hydra-/, 'hydra/')),
  };
}

function schemaFile(name: string, project: Project): string {
  const { stages, pipelines, groups } = schemaNames(project);
  const file = (schema: string) => join(project.configs, `${schema}.schema.json`);
  const stage = findStage(project.stages, name);
  if (stage !== undefined) return file(stage.config);
  if (name === 'pipeline' || pipelines.includes(name.replace(/^experiment\//, ''))) return file('pipeline');
  if (stages.includes(name) || groups.includes(name)) return file(name.replaceAll('/', '-'));
  const known = [
    ...project.stages.flatMap(({ name: stageName, aliases }) => [stageName, ...aliases]),
    ...groups,
    ...pipelines,
  ];
  const [close] = nearest(name, known);
  throw new SluiceError('usage.config_schema', `there is no stage, group or pipeline ${name}`, {
    hint: close === undefined ? './run config-schema lists what there is' : `did you mean ${close}?`,
  });
}

function listing(project: Project): string {
  const { pipelines, groups } = schemaNames(project);
  const stages = project.stages.map(({ name, aliases }) => [name, ...aliases].join(', '));
  const lines = (title: string, names: string[]) => [title, ...names.map((name) => `  ${name}`)];
  return `${[...lines('Stages', stages), ...lines('Groups', groups), ...lines('Pipelines', pipelines)].join('\n')}\n`;
}

function writeEditorSchemas(project: Project): number {
  const folder = join(project.configs, '.schemas');
  mkdirSync(folder, { recursive: true });
  const made = editorSchemas(project.configs, project.stages);
  for (const [name, text] of made) writeFileSync(join(folder, name), text);
  return made.size;
}
