import { join } from 'node:path';
import { schemaNames } from '../config-schema.js';
import { type Project, stageNames } from '../project.js';
import { namesBelow } from './files.js';

/** All that may be the first word. */
export function commandNames(project: Project): string[] {
  return [
    ...stageNames(project.stages),
    ...pipelineNames(project).map((name) => name.replace(/^experiment\//, '')),
    ...['config-schema', 'devices', 'help', 'pipeline', 'runs', 'stages', 'ui'],
  ];
}

/** `experiment/demo`: the configs that are pipelines. */
export function pipelineNames({ configs }: Project): string[] {
  return namesBelow(join(configs, 'experiment'), '.yaml').map((name) => `experiment/${name}`);
}

/** What `config-schema` has a schema for. */
export function schemaWords(project: Project): string[] {
  const { stages, groups, pipelines } = schemaNames(project);
  return [...stageNames(project.stages), ...stages, ...groups, ...pipelines];
}
