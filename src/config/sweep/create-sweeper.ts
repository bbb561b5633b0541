import type { ComposedConfig } from '../compose.js';
import { configError } from '../config-error.js';
import { optionsOf, type PlainObject } from '../instantiate/node.js';
import type { Registry } from '../instantiate/registry.js';
import type { Override } from '../override/parse.js';
import { sweeperAliases } from './built-in.js';
import type { MakeSweeper, SweeperTarget } from './make-sweeper.js';
import { settingsOf } from './settings.js';
import { searchSpace } from './space.js';
import type { Sweeper } from './sweeper.js';
import { builtInSweeperTargets } from './targets.js';

/** The sweeper that `hydra/sweeper` chose, by its name; the basic one also under its name in the reference. */
export function createSweeper(
  master: ComposedConfig,
  overrides: Override[],
  asReference: boolean,
  targets: ReadonlyMap<string, SweeperTarget> = builtInSweeperTargets,
): Sweeper {
  const name = sweeperName(master);
  const settings = settingsOf(master);
  const target = targets.get(name);
  if (target === undefined) {
    throw configError('sweep', `hydra.sweeper._target_: there is no sweeper '${name}'`, {
      where: settings.where('_target_'),
      hint: `hydra/sweeper is ${[...targets.keys()].join(', ').replace(/, ([^,]*)$/, ' or $1')}`,
    });
  }
  const { repository } = master.internal;
  const options = Object.fromEntries(optionsOf((master.value('hydra.sweeper') ?? {}) as PlainObject));
  const space = () => searchSpace(overrides, repository);
  return target(options as never)({ space, settings, overrides, repository, asReference });
}

/** `basic`, `random`, `tpe`, or the name of one that was registered. */
export function sweeperName(master: ComposedConfig): string {
  const target = String(master.value('hydra.sweeper._target_') ?? 'basic');
  return Object.hasOwn(sweeperAliases, target)
    ? sweeperAliases[target as keyof typeof sweeperAliases]
    : target;
}

/** The targets of a registry by name, for planning a sweep. */
export async function loadSweeperTargets(
  registry: Registry<MakeSweeper>,
): Promise<Map<string, SweeperTarget>> {
  const targets = new Map<string, SweeperTarget>();
  for (const name of registry.names) targets.set(name, (await registry.entry(name)!.load()) as SweeperTarget);
  return targets;
}
