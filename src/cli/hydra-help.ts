import type { CommandLine } from './arguments.js';
import { composeConfig } from './compose.js';
import { helpFromTemplate } from './help-template.js';
import type { Project } from './project.js';

/** `--hydra-help`: needs no stage, and of the overrides only those of Hydra's own node and groups. */
export async function hydraHelp(line: CommandLine, project: Project): Promise<string> {
  const words = [...(line.command === undefined ? [] : [line.command]), ...line.rest];
  const overrides = words.filter((word) => /^[+~]*hydra[./]/.test(word));
  const composed = await composeConfig({ configName: null, jobName: 'sluice', overrides }, line, project);
  return helpFromTemplate(composed, 'hydra.hydra_help', {
    CONFIG: () => composed.yaml({ part: 'hydra' }),
  });
}
