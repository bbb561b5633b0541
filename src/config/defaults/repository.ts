import { configError } from '../config-error.js';
import { pyStr, pyTypeName } from '../python-text.js';
import { keyText } from '../python-value.js';
import {
  type ConfigNode,
  DictNode,
  ListNode,
  originText,
  plainNode,
  rawValue,
  ValueNode,
} from '../tree/node.js';
import { loadYaml } from '../yaml/construct.js';
import { ConfigDefault, GroupDefault, type InputDefault, normalizeOption } from './element.js';
import type { ConfigSource } from './source.js';

/** A config file, read. */
export interface LoadedConfig {
  source: ConfigSource;
  /** Without its defaults list. Parsed anew at each call, so that it may be moved into another tree. */
  tree(): DictNode | ListNode;
  /** The same, only to look at. */
  peek(): DictNode | ListNode;
  /** From the `# @package` line. */
  packageHeader: string | undefined;
  /** New elements at each call: composing changes them. */
  defaults(): InputDefault[];
}

/** All sources of a composition, in order: the first that has a config wins. */
export class Repository {
  sources: ConfigSource[];
  private readonly cache = new Map<string, LoadedConfig | undefined>();

  constructor(sources: ConfigSource[]) {
    this.sources = sources;
  }

  load(path: string): LoadedConfig | undefined {
    if (this.cache.has(path)) return this.cache.get(path);
    const loaded = this.read(path);
    this.cache.set(path, loaded);
    return loaded;
  }

  isConfig(path: string): boolean {
    return this.sources.some((source) => source.isConfig(path));
  }

  isGroup(path: string): boolean {
    return this.sources.some((source) => source.isGroup(path));
  }

  /** Sorted, without repeats. */
  options(group: string, kind: 'config' | 'group' = 'config'): string[] {
    return [...new Set(this.sources.flatMap((source) => source.list(group, kind)))].sort();
  }

  /**
   * The choices of a group that have a key which the chosen one lacks: `hydra.launcher.n_jobs` -> `hydra/launcher=local`.
   * For messages: options that cannot be read are passed over.
   */
  choicesWith(key: string): string[] {
    const parts = key.split('.');
    const groups = parts.map((name, length) => ({ group: parts.slice(0, length).join('/'), name })).slice(1);
    const found = groups.findLast(({ group }) => this.isGroup(group));
    if (found === undefined) return [];
    const { group, name } = found;
    return this.options(group)
      .filter((option) => this.hasKey(`${group}/${option}`, name))
      .map((option) => `${group}=${option}`);
  }

  private hasKey(path: string, key: string): boolean {
    try {
      const tree = this.load(path)?.peek();
      return tree instanceof DictNode && tree.get(key) !== undefined;
    } catch {
      return false;
    }
  }

  private read(path: string): LoadedConfig | undefined {
    for (const source of this.sources) {
      const file = source.read(path);
      if (file === undefined) continue;
      const parse = (): DictNode | ListNode =>
        'text' in file
          ? loadYaml(file.text, file.name)
          : (plainNode(file.data, { source: file.name }) as DictNode);
      let first: DictNode | ListNode | undefined = parse();
      const list = takeDefaults(first, path);
      let defaults: InputDefault[] | undefined = parseDefaults(list, path); // reports its mistakes now
      return {
        source,
        packageHeader: 'text' in file ? packageHeader(file.text) : file.package,
        defaults() {
          const elements = defaults ?? parseDefaults(list, path);
          defaults = undefined;
          return elements;
        },
        peek: () => first ?? parse(),
        tree() {
          const tree = first ?? parse();
          if (first === undefined) takeDefaults(tree, path);
          first = undefined;
          return tree;
        },
      };
    }
    return undefined;
  }
}

/** The value of the `# @package` line in the comments at the top of a file. Other `# @key value` lines are passed over. */
function packageHeader(text: string): string | undefined {
  if (!text.includes('@')) return undefined;
  let header: string | undefined;
  const lines = /[^\n\r\u0085\u2028\u2029]+/g;
  for (let match = lines.exec(text); match !== null; match = lines.exec(text)) {
    const trimmed = match[0].trim();
    if (trimmed === '') continue;
    if (!/^#\s*@/.test(trimmed)) break;
    const content = trimmed.replace(/^#+/, '').trim();
    const [key = '', value, extra] = content.split(' ').filter((part) => part !== '');
    if (value === undefined)
      throw configError('default', `Expected header format: KEY VALUE, got '${content}'`);
    if (extra !== undefined) throw configError('default', `Too many components in '${content}'`);
    if (key === '@package') header = value;
  }
  return header;
}

function takeDefaults(tree: DictNode | ListNode, path: string): ListNode {
  if (tree instanceof ListNode) return new ListNode(undefined);
  const node = tree.get('defaults');
  if (node === undefined) return new ListNode(undefined);
  tree.entries.delete('defaults');
  if (node instanceof ListNode) return node;
  const type = node instanceof DictNode ? 'mapping' : pyTypeName(node.value);
  throw configError(
    'default',
    `Invalid defaults list in '${path}', defaults must be a list (got ${type})`,
    placeOf(node),
  );
}

function parseDefaults(list: ListNode, path: string): InputDefault[] {
  return list.items.map((item) => {
    if (item instanceof DictNode) return groupDefault(item, path);
    if (item instanceof ValueNode && typeof item.value === 'string')
      return configDefault(item.value, path, item);
    const type = item instanceof ListNode ? 'ListConfig' : pyTypeName((item as ValueNode).value);
    throw configError('default', `Unsupported type in defaults : ${type}`, placeOf(item));
  });
}

function configDefault(text: string, path: string, item: ConfigNode): ConfigDefault {
  const [name, pkg] = splitPackage(text);
  rejectBackslash(name, path, item);
  if (name === '_self_' && pkg !== undefined)
    throw configError('default', '_self_@PACKAGE is not supported', placeOf(item));
  return new ConfigDefault(name, pkg, false, originText(item.origin));
}

function groupDefault(item: DictNode, path: string): GroupDefault {
  const entries = [...item.entries];
  const where = placeOf(item);
  if (entries.length > 1) {
    throw configError('default', `In ${path}: Too many keys in default item ${pyStr(rawValue(item))}`, where);
  }
  if (entries.length === 0) throw configError('default', `In ${path}: Missing group name in {}`, where);
  const [key, node] = entries[0]!;
  if (typeof key !== 'string') {
    throw configError(
      'default',
      `In ${path}: the group name ${keyText(key)} in the defaults list must be text`,
      where,
    );
  }
  const [words, pkg] = splitPackage(key);
  const keywords = words.split(/\s+/).filter((word) => word !== '');
  let group = keywords.pop();
  if (group === undefined)
    throw configError('default', `In ${path}: Missing group name in defaults list`, where);
  for (const word of keywords) {
    if (word !== 'optional' && word !== 'override') {
      throw configError('default', `In ${path}: Unsupported keyword '${word}' in defaults list`, {
        ...where,
        hint: 'keywords are optional and override',
      });
    }
  }
  rejectBackslash(group, path, item);
  let value = optionOf(node);
  for (const option of Array.isArray(value) ? value : [value])
    if (option !== null) rejectBackslash(option, path, item);
  if (typeof value === 'string') [group, value] = normalizeOption(group, value);
  return new GroupDefault(
    group,
    value,
    pkg,
    keywords.includes('optional'),
    keywords.includes('override'),
    false,
    originText(item.origin),
  );
}

function optionOf(node: ConfigNode): string | string[] | null {
  if (node instanceof ListNode) {
    return node.items.map((item) => {
      if (item instanceof ValueNode && typeof item.value === 'string') return item.value;
      const type = typeName(item);
      throw configError(
        'default',
        `Unsupported item value in defaults : ${type}, nested list items must be strings`,
        placeOf(item),
      );
    });
  }
  if (node instanceof ValueNode && (node.value === null || typeof node.value === 'string')) return node.value;
  throw configError(
    'default',
    `Unsupported item value in defaults : ${typeName(node)}. Supported: string or list`,
    placeOf(node),
  );
}

function typeName(node: ConfigNode): string {
  return node instanceof ValueNode ? pyTypeName(node.value) : node instanceof ListNode ? 'list' : 'dict';
}

function splitPackage(text: string): [string, string | undefined] {
  const at = text.indexOf('@');
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1).split(':')[0]];
}

function rejectBackslash(text: string, path: string, item: ConfigNode): void {
  if (!text.includes('\\')) return;
  const message =
    `In ${path}: Backslash ('\\') in Defaults List config paths is not supported ('${text}').\n` +
    "Use '/' as the config group separator; it is the only supported separator, regardless of the operating system.";
  throw configError('compose', message, placeOf(item));
}

function placeOf(node: ConfigNode): { where?: string } {
  const where = originText(node.origin);
  return where === undefined ? {} : { where };
}
