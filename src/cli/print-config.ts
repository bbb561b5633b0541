import type { ComposedConfig } from '../config/compose.js';
import type { CommandLine } from './arguments.js';
import type { Project } from './project.js';

/** What the flags ask to see of a config instead of running it; undefined where it is to run. */
export async function requestedText(
  composed: ComposedConfig,
  line: CommandLine,
  project: Project,
  /** `$STAGE` of the help template, and how long composing took. */
  { about, milliseconds }: { about: string; milliseconds: number },
): Promise<string | undefined> {
  if (line.help) {
    const { helpFromTemplate } = await import('./help-template.js');
    return helpFromTemplate(composed, 'hydra.help', {
      STAGE: () => about,
      CONFIG: () => composed.yaml(yamlOptions(line)),
    });
  }
  if (line.cfg !== undefined) return configText(composed, line);
  if (line.info !== undefined)
    return (await import('./info.js')).infoText(composed, line.info, project, milliseconds);
  return undefined;
}

/** What `--cfg` prints, as the flags beside it ask. */
async function configText(composed: ComposedConfig, line: CommandLine): Promise<string> {
  if (line.origin)
    return (await import('../config/origin-listing.js')).printOrigins(composed, yamlOptions(line));
  return composed.yaml(yamlOptions(line));
}

const yamlOptions = ({ cfg, resolve, package: pkg }: CommandLine) => ({
  part: cfg ?? 'job',
  resolve,
  ...(pkg === undefined ? {} : { package: pkg }),
});
