import type { ComposedConfig } from '../compose.js';

/** The groups in the defaults list, as overrides name them: `model`, `optimizer@training.optimizer`, `hydra/sweeper`. */
export function overridableGroups(composed: ComposedConfig): string[] {
  return [...composed.internal.defaultsList.selection.known.keys()];
}

/** Every group that has options, without those of Hydra itself. */
export function groupsOfTree(composed: ComposedConfig): string[] {
  const { repository } = composed.internal;
  const visit = (group: string): string[] => [
    ...(group !== '' && repository.options(group).length > 0 ? [group] : []),
    ...repository
      .options(group, 'group')
      .filter((name) => !name.startsWith('.') && (group !== '' || name !== 'hydra'))
      .flatMap((name) => visit(group === '' ? name : `${group}/${name}`)),
  ];
  return visit('');
}

/** Groups that begin so, up to the next slash: `hydra/` before `hydra/sweeper=`. */
export function perLevel(groups: readonly string[], begin: string, end: string): string[] {
  return groups
    .filter((group) => group.startsWith(begin))
    .map((group) => {
      const slash = group.indexOf('/', begin.length);
      return slash < 0 || group.slice(0, slash).includes('@') ? `${group}${end}` : group.slice(0, slash + 1);
    });
}
