import type { ComposedConfig } from '../config/compose.js';
import { configGroups } from '../config/describe.js';
import { SluiceError } from '../errors.js';
import { flagsHelp } from './flags.js';

/**
 * The text of `hydra.help` or `hydra.hydra_help`: its `template` with Hydra's `$FLAGS_HELP`, `$APP_CONFIG_GROUPS`,
 * `$HYDRA_CONFIG_GROUPS` and `$CONFIG` filled in, and `more`. `$$` is a dollar sign.
 */
export function helpFromTemplate(
  composed: ComposedConfig,
  node: 'hydra.help' | 'hydra.hydra_help',
  more: Record<string, () => string>,
): string {
  const isHydra = (group: string) => group === 'hydra' || group.startsWith('hydra/');
  const parts = new Map<string, () => string>(
    Object.entries({
      FLAGS_HELP: flagsHelp,
      APP_CONFIG_GROUPS: () => groupLines(composed, (group) => !isHydra(group)),
      HYDRA_CONFIG_GROUPS: () => groupLines(composed, isHydra),
      ...more,
    }),
  );
  const template = String(composed.value(`${node}.template`));
  const text = template.replace(
    /\$(?:(\$)|(\w+)|\{(\w+)\})/g,
    (_, dollar: string | undefined, bare: string | undefined, braced: string | undefined) => {
      if (dollar !== undefined) return dollar;
      const name = (bare ?? braced)!;
      const part = parts.get(name);
      if (part !== undefined) return part().trimEnd();
      throw new SluiceError('config.help', `${node}.template: there is no $${name}`, {
        where: composed.origin(`${node}.template`)?.where ?? node,
        hint: `it can have ${[...parts.keys()].map((each) => `$${each}`).join(', ')}; $$ is a dollar sign`,
      });
    },
  );
  return `${text.trimEnd()}\n`;
}

const groupLines = (composed: ComposedConfig, wanted: (group: string) => boolean) =>
  configGroups(composed)
    .filter(({ group }) => wanted(group))
    .map(({ group, options }) => `${group}: ${options.join(', ')}`)
    .join('\n');
