import { configError } from '../config-error.js';
import { nearest } from '../nearest.js';
import type { Override } from '../override/parse.js';
import { pyStr } from '../python-text.js';
import { DictNode } from '../tree/node.js';
import { ConfigDefault, GroupDefault, type InputDefault } from './element.js';
import type { Repository } from './repository.js';
import { Selection } from './selection.js';

/** A config to merge, in merge order. */
export interface ResultDefault {
  configPath: string;
  /** Config whose defaults list named it. */
  parent: string | undefined;
  package: string;
  isSelf: boolean;
  primary: boolean;
  overrideKey: string | undefined;
}

/** A config and what its defaults list expanded to; leaves have no children. */
export interface DefaultsTree {
  entry: InputDefault | undefined;
  parent: DefaultsTree | undefined;
  children: (DefaultsTree | InputDefault)[] | undefined;
}

export interface DefaultsList {
  defaults: ResultDefault[];
  tree: DefaultsTree;
  selection: Selection;
}

const EMPTY = '_dummy_empty_config_';

/**
 * Expands the primary config's defaults list, depth first, with the choices of the command line and of `override`
 * entries. `skipMissing` leaves `group: ???` out instead of failing (sweeps decide it later).
 */
export function createDefaultsList(
  repository: Repository,
  configName: string | null,
  overrides: Override[],
  skipMissing: boolean,
): DefaultsList {
  const selection = new Selection(repository, overrides);
  const tree = new Expansion(repository, selection, skipMissing).expand(configName);
  const defaults = flatten(tree);
  rejectRepeats(defaults);
  const primary = configName === null ? undefined : repository.load(configName)?.peek();
  selection.ensureUsed((key) => primary instanceof DictNode && primary.get(key) !== undefined);
  return { defaults, tree, selection };
}

class Expansion {
  private readonly repository: Repository;
  private readonly selection: Selection;
  private readonly skipMissing: boolean;
  /** For each `${…}` entry put off: the override keys that were decided where it stands. */
  private readonly deferred = new Map<InputDefault, Set<string>>();
  private depth = 0;

  constructor(repository: Repository, selection: Selection, skipMissing: boolean) {
    this.repository = repository;
    this.selection = selection;
    this.skipMissing = skipMissing;
  }

  expand(configName: string | null): DefaultsTree {
    const root: DefaultsTree = { entry: undefined, parent: undefined, children: [] };
    const primary = new ConfigDefault(configName ?? EMPTY);
    primary.primary = true;
    // Backwards, as everywhere: what comes last decides first.
    for (const entry of [primary, new ConfigDefault('hydra/config')]) {
      entry.updateParent('', '');
      const child: DefaultsTree = { entry, parent: root, children: undefined };
      this.expandEntry(child, entry.primary, undefined, false);
      root.children!.unshift(child.children === undefined ? entry : child);
    }
    this.resolveDeferred(root);
    return root;
  }

  private expandEntry(
    node: DefaultsTree,
    isRoot: boolean,
    eligible: ReadonlySet<string> | undefined,
    interpolated: boolean,
  ): void {
    const entry = node.entry!;
    const path = entry.configPath();
    if (isRoot && path !== EMPTY && !this.repository.isConfig(path)) throw this.notFound(node);
    if (!entry.isMissing) entry.setHeader(this.load(path)?.packageHeader);
    if (this.selection.deleted(entry)) return;
    this.selection.setKnown(entry);
    if (entry.name === null) return;
    if (this.isUndecided(entry)) return;

    const loaded = this.load(path);
    if (loaded === undefined) {
      if (!entry.optional) throw this.notFound(node);
      entry.deleted = true;
      return;
    }
    if (++this.depth > 100)
      throw configError('compose', `In '${path}': the defaults lists include each other`);
    const list = loaded.defaults();
    if (list.length > 0 || (isRoot && this.selection.appended.length > 0)) addSelf(list, path);
    if (isRoot) list.push(...this.selection.appended.map((appended) => appended.copy()));
    for (const item of list) this.rejectTraversal(item, node);
    this.checkOverridePlaces(list, entry, interpolated);

    const children: (DefaultsTree | InputDefault)[] = [];
    for (const item of list.toReversed()) this.expandItem(item, node, children, eligible, interpolated);
    if (children.length > 0) node.children = children.reverse();
    this.depth--;
  }

  private expandItem(
    item: InputDefault,
    node: DefaultsTree,
    children: (DefaultsTree | InputDefault)[],
    eligible: ReadonlySet<string> | undefined,
    interpolated: boolean,
  ): void {
    const parent = node.entry!;
    if (item.isSelf) {
      item.updateParent(parent.parentBaseDir ?? '', parent.ownPackage() ?? '');
      children.push(item);
      return;
    }
    if (item instanceof GroupDefault && item.isOverride) {
      this.selection.addOverride(parent.configPath(), item);
      return;
    }
    this.selection.apply(item, eligible);
    this.rejectTraversal(item, node);
    const add = (entry: InputDefault): void => {
      const child: DefaultsTree = { entry, parent: node, children: undefined };
      this.expandEntry(child, false, eligible, interpolated);
      children.push(child.children === undefined ? entry : child);
    };
    if (item instanceof GroupDefault && Array.isArray(item.value)) {
      for (const option of item.value.toReversed()) add(this.optionEntry(item, option, parent));
    } else if (item.isInterpolation) {
      this.deferred.set(item, new Set(eligible ?? this.selection.choices.keys()));
      children.push(item);
    } else {
      add(item);
    }
  }

  /** One option of `group: [a, b]` is a config of its own, without an override key. */
  private optionEntry(item: GroupDefault, option: string, parent: InputDefault): ConfigDefault {
    if (option.includes('${')) {
      const message = `In '${parent.configPath()}': Defaults List interpolation is not supported in options list items`;
      throw configError('compose', message, item.where === undefined ? {} : { where: item.where });
    }
    const group = item.appended ? item.groupPath() : item.group;
    const entry = new ConfigDefault(`${group}/${option}`, item.package, item.optional, item.where);
    if (item.appended) entry.updateParent('', '');
    else entry.updateParent(parent.groupPath(), parent.finalPackage());
    return entry;
  }

  /** `${group}` entries are expanded once all other choices are known, one at a time, as far as they can be. */
  private resolveDeferred(root: DefaultsTree): void {
    while (this.resolveOne(root)) {
      // one more entry had all its choices
    }
    this.failUnresolved(root);
  }

  private resolveOne(tree: DefaultsTree): boolean {
    for (const [index, child] of (tree.children ?? []).entries()) {
      if (!isEntry(child)) {
        if (this.resolveOne(child)) return true;
        continue;
      }
      if (!child.isInterpolation) continue;
      const candidate = child.copy();
      candidate.updateParent(child.parentBaseDir ?? '', child.parentPackage ?? '');
      try {
        candidate.resolveInterpolation(this.selection.known);
      } catch {
        continue; // another entry may still bring the choice
      }
      this.rejectTraversal(candidate, tree);
      const node: DefaultsTree = { entry: candidate, parent: tree, children: undefined };
      this.expandEntry(node, false, this.deferred.get(child), true);
      tree.children![index] = node.children === undefined ? candidate : node;
      return true;
    }
    return false;
  }

  private failUnresolved(tree: DefaultsTree): void {
    for (const child of tree.children ?? []) {
      if (!isEntry(child)) this.failUnresolved(child);
      else if (child.isInterpolation) child.resolveInterpolation(this.selection.known);
    }
  }

  private load(path: string) {
    return path === EMPTY ? EMPTY_CONFIG : this.repository.load(path);
  }

  private isUndecided(entry: InputDefault): boolean {
    if (!entry.configPath().endsWith('???')) return false;
    if (this.skipMissing) return true;
    if (entry instanceof ConfigDefault) {
      throw configError('default', `Missing ConfigDefault is not supported : ${entry.configPath()}`);
    }
    const key = entry.overrideKey();
    const options = this.repository.options(entry.groupPath()).map((option) => `\n\t${option}`);
    throw configError(
      'compose',
      `You must specify '${key}', e.g, ${key}=<OPTION>\nAvailable options:${options.join('')}`,
      entry.where === undefined ? {} : { where: entry.where },
    );
  }

  private checkOverridePlaces(list: InputDefault[], parent: InputDefault, interpolated: boolean): void {
    let seen: GroupDefault | undefined;
    for (const item of list) {
      if (item.isSelf) continue;
      item.updateParent(parent.groupPath(), parent.finalPackage());
      const appended = item instanceof GroupDefault && item.appended;
      if (seen !== undefined && !item.isOverride && !appended) {
        const option = pyStr(item instanceof GroupDefault ? item.value : item.name);
        const message =
          `In ${parent.configPath()}: Override '${seen.overrideKey()} : ${pyStr(seen.value)}' is defined before ` +
          `'${item.overrideKey()}: ${option}'.\nOverrides must be at the end of the defaults list`;
        throw configError('compose', message, item.where === undefined ? {} : { where: item.where });
      }
      if (!(item instanceof GroupDefault) || !item.isOverride) continue;
      seen = item;
      if (interpolated) {
        const message =
          `${parent.configPath()}: Default List Overrides are not allowed in the subtree\n` +
          `of an in interpolated config group (override ${item.overrideKey()}=${pyStr(item.value)}).`;
        throw configError('compose', message, item.where === undefined ? {} : { where: item.where });
      }
    }
  }

  private rejectTraversal(item: InputDefault, node: DefaultsTree): void {
    const paths: [string, string][] =
      item instanceof ConfigDefault
        ? [['config', item.path]]
        : [
            ['config group', item.group],
            ...(Array.isArray(item.value) ? item.value : [item.value ?? '']).map((name): [string, string] => [
              'config option',
              name,
            ]),
          ];
    for (const [kind, path] of paths) {
      if (!path.includes('..') || !path.split('/').includes('..')) continue;
      const message =
        `In ${node.entry?.configPath() ?? '<root>'}: Parent traversal ('..') in Defaults List ${kind} paths is not ` +
        `supported ('${path}').\nUse an absolute path instead, such as '/group: option'.`;
      throw configError('compose', message, item.where === undefined ? {} : { where: item.where });
    }
  }

  private notFound(node: DefaultsTree): Error {
    const entry = node.entry!;
    const searched = this.repository.sources
      .map(({ provider, url }) => `\n\tprovider=${provider}, path=${url}`)
      .join('');
    const details = entry.where === undefined ? {} : { where: entry.where };
    const path = entry.configPath();
    if (entry.primary) {
      const message = `Cannot find primary config '${path}'. Check that it's in your config search path.\n`;
      return configError('missing', `${message}\nConfig search path:${searched}`, details);
    }
    const parent = node.parent?.entry;
    const prefix = parent === undefined ? '' : `In '${parent.configPath()}': `;
    if (entry instanceof ConfigDefault) {
      return configError(
        'missing',
        `${prefix}Could not load '${path}'.\n\nConfig search path:${searched}`,
        details,
      );
    }
    const options = this.repository.options(entry.groupPath());
    const listed =
      options.length === 0
        ? ''
        : `\nAvailable options in '${entry.groupPath()}':${options.map((name) => `\n\t${name}`).join('')}`;
    const chosen =
      entry instanceof GroupDefault ? this.selection.choices.get(entry.overrideKey()) : undefined;
    const [close] = nearest(path.slice(path.lastIndexOf('/') + 1), options);
    return configError(
      'missing',
      `${prefix}Could not find '${path}'\n${listed}\nConfig search path:${searched}`,
      {
        ...details,
        ...(chosen?.override !== undefined && { where: `override ${chosen.override.input}` }),
        ...(close !== undefined && { hint: `did you mean ${close}?` }),
      },
    );
  }
}

const EMPTY_CONFIG = { packageHeader: undefined, defaults: (): InputDefault[] => [] };

export function isEntry(child: DefaultsTree | InputDefault): child is InputDefault {
  return child instanceof ConfigDefault || child instanceof GroupDefault;
}

/** Without `_self_`, the config itself comes last. */
function addSelf(list: InputDefault[], path: string): void {
  const selves = list.filter((item) => item.isSelf).length;
  if (selves > 1) throw configError('compose', `Duplicate _self_ defined in ${path}`);
  if (selves === 0 && (list.length === 0 || list.some((item) => !item.isOverride)))
    list.push(new ConfigDefault('_self_'));
}

function flatten(tree: DefaultsTree): ResultDefault[] {
  const results: ResultDefault[] = [];
  const visit = (node: DefaultsTree): void => {
    if (node.children === undefined || node.children.length === 0) collect(node.parent, node.entry!);
    for (const child of node.children ?? []) {
      if (isEntry(child)) collect(node, child);
      else visit(child);
    }
  };
  const collect = (holder: DefaultsTree | undefined, entry: InputDefault): void => {
    if (entry.deleted || entry.isMissing || (entry instanceof GroupDefault && entry.name === null)) return;
    const config = entry.isSelf ? holder!.entry! : entry;
    const configPath = config.configPath();
    if (configPath === EMPTY) return;
    results.push({
      configPath,
      parent: (entry.isSelf ? holder?.parent?.entry : holder?.entry)?.configPath(),
      package: config.finalPackage(),
      isSelf: entry.isSelf,
      primary: config.primary,
      overrideKey: entry instanceof GroupDefault && !entry.isSelf ? entry.overrideKey() : undefined,
    });
  };
  visit(tree);
  return results;
}

function rejectRepeats(defaults: ResultDefault[]): void {
  const seen = new Set<string>();
  for (const { overrideKey } of defaults) {
    if (overrideKey === undefined) continue;
    if (seen.has(overrideKey)) {
      throw configError('compose', `${overrideKey} appears more than once in the final defaults list`);
    }
    seen.add(overrideKey);
  }
}
