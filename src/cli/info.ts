import type { ComposedConfig } from '../config/compose.js';
import { configGroups, defaultsRows, defaultsTreeText, searchPath } from '../config/describe.js';
import type { CommandLine } from './arguments.js';
import type { Project } from './project.js';

/** What `--info` prints: how a config came about, and what there is to name in one. */
export async function infoText(
  composed: ComposedConfig,
  info: NonNullable<CommandLine['info']>,
  project: Project,
  milliseconds?: number,
): Promise<string> {
  const named = info === 'all' || info === 'plugins' ? await pluginLines(composed, project) : [];
  const plugins = () => [titled('Plugins', '*'), ...named];
  const paths = () => [titled('Config search path', '*'), searchPathTable(composed)];
  const tree = () => [titled('Defaults Tree', '*'), defaultsTreeText(composed)];
  const list = () => [titled('Defaults List', '*'), defaultsTable(composed)];
  const config = () => [
    ...[...paths(), '', ...tree(), '', ...list(), ''],
    ...[titled('Config', '*'), composed.yaml().trimEnd()],
    ...(milliseconds === undefined ? [] : ['', `Composed in ${milliseconds.toFixed(1)} ms`]),
  ];
  const parts: Record<typeof info, () => string[]> = {
    plugins,
    searchpath: paths,
    'defaults-tree': tree,
    defaults: list,
    config,
    all: () => [...plugins(), '', ...config()],
  };
  return `${parts[info]().join('\n')}\n`;
}

async function pluginLines(composed: ComposedConfig, project: Project): Promise<string[]> {
  const registries = await (await import('./plugged.js')).loadRegistries(project);
  const options = (group: string) =>
    configGroups(composed).find((each) => each.group === group)?.options ?? [];
  const kinds: [string, string[]][] = [
    ['Stages', project.stages.map(({ name, aliases }) => [name, ...aliases].join(', '))],
    ['Sweepers (hydra/sweeper)', options('hydra/sweeper')],
    ['Job logging (hydra/job_logging)', options('hydra/job_logging')],
    ...Object.entries(registries).map(([kind, { names }]): [string, string[]] => [
      `_target_ of ${spaced(kind)}`,
      names,
    ]),
    ['Resolvers', [...composed.internal.resolvers.keys()].sort()],
  ];
  return kinds.flatMap(([kind, names]) => [
    titled(`${kind}:`, '-', '  '),
    ...names.map((name) => `    ${name}`),
  ]);
}

function searchPathTable(composed: ComposedConfig): string {
  const rows = searchPath(composed).map(({ provider, path }) => [provider, path]);
  return boxed(['Provider', 'Search path'], rows);
}

function defaultsTable(composed: ComposedConfig): string {
  const rows = defaultsRows(composed).map(({ configPath, package: pkg, isSelf, parent }) => [
    configPath,
    pkg,
    isSelf ? 'True' : 'False',
    parent,
  ]);
  return boxed(['Config path', 'Package', '_self_', 'Parent'], rows);
}

// trashExperts -> trash experts
const spaced = (name: string) => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

const titled = (title: string, rule: string, indent = '') =>
  `${indent}${title}\n${indent}${rule.repeat(title.length)}`;

function boxed(head: string[], rows: string[][]): string {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]!.length)));
  const line = (row: string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`;
  const rule = '-'.repeat(line(head).length);
  return [line(head), rule, ...rows.map(line), rule].join('\n');
}
