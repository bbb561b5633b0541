import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { stages } from '../../stages/index.js';
import type { Project } from './project.js';

/** Sluice itself, in the folder it is installed in. */
export function ownProject(root: string, { stdout, stderr }: Pick<Project, 'stdout' | 'stderr'>): Project {
  return {
    root,
    cwd: process.cwd(),
    configs: join(root, 'configs'),
    stages,
    stagesModule: pathToFileURL(join(root, 'dist/stages/index.js')).href,
    env: process.env,
    stdout,
    stderr,
  };
}
