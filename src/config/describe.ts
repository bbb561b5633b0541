import type { ComposedConfig } from './compose.js';
import { type DefaultsTree, isEntry } from './defaults/defaults-list.js';
import { GroupDefault, type InputDefault } from './defaults/element.js';
import type { Repository } from './defaults/repository.js';

/** Where configs are looked for, in order. */
export function searchPath({ internal }: ComposedConfig): { provider: string; path: string }[] {
  return internal.repository.sources.map(({ provider, url }) => ({ provider, path: url }));
}

/** A config of the final defaults list, in merge order. */
export interface DefaultsRow {
  configPath: string;
  package: string;
  isSelf: boolean;
  /** Config whose defaults list named it. */
  parent: string;
}

export function defaultsRows({ internal }: ComposedConfig): DefaultsRow[] {
  return internal.defaultsList.defaults.map(({ configPath, package: pkg, isSelf, parent }) => ({
    configPath,
    package: pkg,
    isSelf,
    parent: parent ?? '<root>',
  }));
}

/** The defaults lists as a tree: a line per entry, two spaces a level. */
export function defaultsTreeText({ internal }: ComposedConfig): string {
  return treeLines(internal.defaultsList.tree, '').join('\n');
}

function treeLines(node: DefaultsTree | InputDefault, indent: string): string[] {
  if (isEntry(node)) return [indent + entryText(node)];
  const text = node.entry === undefined ? '<root>' : entryText(node.entry);
  const children = node.children ?? [];
  if (children.length === 0) return [indent + text];
  return [`${indent}${text}:`, ...children.flatMap((child) => treeLines(child, `${indent}  `))];
}

function entryText(entry: InputDefault): string {
  return entry instanceof GroupDefault
    ? `${entry.overrideKey()}: ${entry.name ?? 'null'}`
    : entry.configPath();
}

/** Every group that has options, sorted: `{group: 'hydra/sweeper', options: ['basic', …]}`. */
export function configGroups({ internal }: ComposedConfig): { group: string; options: string[] }[] {
  const { repository } = internal;
  return groupsBelow('', repository)
    .sort()
    .map((group) => ({ group, options: repository.options(group) }));
}

function groupsBelow(parent: string, repository: Repository): string[] {
  return repository.options(parent, 'group').flatMap((name) => {
    const group = parent === '' ? name : `${parent}/${name}`;
    const own = repository.options(group).length > 0 ? [group] : [];
    return [...own, ...groupsBelow(group, repository)];
  });
}
