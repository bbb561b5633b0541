import { SluiceError } from '../../errors.js';
import { configError } from '../config-error.js';
import type { Key, Scalar } from '../python-value.js';
import {
  type ConfigNode,
  checkKey,
  createValue,
  DictNode,
  ListNode,
  type Origin,
  originText,
  ValueNode,
} from '../tree/node.js';
import { type MappingNode, parseYaml, type ScalarNode, type YamlNode } from './parse.js';
import { constructScalar, plainTag } from './resolve-tag.js';

const CORE = 'tag:yaml.org,2002:';
// Limits of the reference against alias bombs.
const MAX_NODES = 10_000;
const MAX_RATIO = 100;
const MIN_RATIO_NODES = 1_000;

/**
 * A YAML file as a config tree whose nodes know their line and column in `source`.
 *
 * Follows the reference: YAML 1.1 (`yes` is true, `010` is 8, `12:30:45` is 45045) with `1e-4` a float and dates text;
 * duplicate keys, recursive aliases and alias bombs are errors. An empty document is an empty mapping; a document that
 * is one string is that string read as YAML once more; a bare number or boolean is `config.root`.
 */
export function loadYaml(text: string, source: string): DictNode | ListNode {
  const loaded = load(text, source);
  return loaded instanceof ValueNode ? createFromYaml(loaded.value as string, source) : loaded;
}

/** The same for text that is no file: a text that is one string is a mapping of that string to null. */
export function createFromYaml(text: string, source: string): DictNode | ListNode {
  const loaded = load(text, source);
  if (!(loaded instanceof ValueNode)) return loaded;
  const dict = new DictNode(loaded.origin);
  dict.setEntry(loaded.value, new ValueNode(null, loaded.origin));
  return dict;
}

/** A value is always text. */
function load(text: string, source: string): DictNode | ListNode | ValueNode {
  const root = parseYaml(text, source);
  if (root === undefined) return new DictNode({ source, line: 1, column: 1 });
  rejectBombs(root, source, hasAliases(text));
  const builder = new Constructor(source);
  if (root.kind !== 'scalar') return builder.build(root) as DictNode | ListNode;
  const value = builder.scalar(root);
  const origin = builder.origin(root);
  if (value === null) return new DictNode(origin);
  if (typeof value === 'string') return new ValueNode(value, origin);
  throw configError('root', 'a config file must hold a mapping or a list', { where: originText(origin) });
}

function hasAliases(text: string): boolean {
  return text.includes('*');
}

class Constructor {
  private readonly source: string;
  constructor(source: string) {
    this.source = source;
  }

  build(node: YamlNode): ConfigNode {
    const origin = this.origin(node);
    if (node.kind === 'scalar') return createValue(this.scalar(node), origin);
    if (node.kind === 'sequence') {
      if (node.tag === `${CORE}omap` || node.tag === `${CORE}pairs`) return this.pairs(node.items, origin);
      this.checkTag(node, 'seq');
      const list = new ListNode(origin);
      for (const item of node.items) list.append(this.build(item));
      return list;
    }
    if (node.tag === `${CORE}set`) constructScalar(node.tag, '');
    this.checkTag(node, 'map');
    const dict = new DictNode(origin);
    if (this.addTextKeys(dict, node.entries)) return dict;
    this.flatten(node);
    for (const [keyNode, valueNode] of node.entries) {
      dict.setEntry(checkKey(this.key(keyNode), this.origin(keyNode)), this.build(valueNode));
    }
    for (const [, child] of dict.entries) child.replaced = undefined;
    return dict;
  }

  /** A mapping whose keys are all text, as nearly all are. False, with nothing done, for another one. */
  private addTextKeys(dict: DictNode, entries: [YamlNode, YamlNode][]): boolean {
    const keys = new Set<string>();
    for (const [key] of entries) {
      if (key.kind !== 'scalar' || scalarTag(key) !== 'str') return false;
      if (keys.has(key.text)) throw this.duplicate(key);
      keys.add(key.text);
    }
    for (const [key, value] of entries) dict.setEntry((key as ScalarNode).text, this.build(value));
    return true;
  }

  private duplicate(key: ScalarNode): SluiceError {
    return this.fail(key, `while constructing a mapping: found duplicate key ${key.text}`);
  }

  private pairs(items: YamlNode[], origin: Origin): ListNode {
    const list = new ListNode(origin);
    for (const item of items) {
      if (item.kind !== 'mapping' || item.entries.length !== 1)
        throw this.fail(item, 'expected a mapping of length 1');
      const pair = new ListNode(origin);
      pair.append(this.build(item.entries[0]![0]));
      pair.append(this.build(item.entries[0]![1]));
      list.append(pair);
    }
    return list;
  }

  private key(node: YamlNode): Key {
    if (node.kind !== 'scalar') throw this.fail(node, 'while constructing a mapping: found unhashable key');
    return this.scalar(node);
  }

  scalar(node: ScalarNode): Scalar {
    const tag = scalarTag(node);
    if (tag === 'str') return node.text;
    try {
      const value = constructScalar(tag, node.text);
      if (value !== undefined) return value;
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      throw new SluiceError(error.code, error.message, { where: originText(this.origin(node)) });
    }
    throw this.fail(node, `could not determine a constructor for the tag '${tag}'`);
  }

  /**
   * Puts the entries that `<<` names before the mapping's own, which win. Works in place: a mapping that is itself
   * merged elsewhere is flattened once.
   */
  private flatten(node: MappingNode): void {
    const explicit = new Set<string>();
    for (const [key] of node.entries) {
      if (key.kind !== 'scalar' || scalarTag(key) !== 'str') continue;
      if (explicit.has(key.text)) throw this.duplicate(key);
      explicit.add(key.text);
    }
    const merged: [YamlNode, YamlNode][] = [];
    const own: [YamlNode, YamlNode][] = [];
    for (const [key, value] of node.entries) {
      const tag = key.kind === 'scalar' ? scalarTag(key) : '';
      if (tag === 'merge') merged.push(...this.mergeSource(value));
      else own.push([tag === 'value' ? { ...(key as ScalarNode), tag: `${CORE}str` } : key, value]);
    }
    const kept = merged.filter(
      ([key]) => key.kind !== 'scalar' || scalarTag(key) !== 'str' || !explicit.has(key.text),
    );
    node.entries = [...kept, ...own];
  }

  private mergeSource(value: YamlNode): [YamlNode, YamlNode][] {
    if (value.kind === 'mapping') {
      this.flatten(value);
      return value.entries;
    }
    if (value.kind === 'sequence') {
      const parts = value.items.map((item) => {
        if (item.kind !== 'mapping')
          throw this.fail(item, `expected a mapping for merging, but found ${item.kind}`);
        this.flatten(item);
        return item.entries;
      });
      return parts.reverse().flat();
    }
    throw this.fail(value, `expected a mapping or list of mappings for merging, but found ${value.kind}`);
  }

  private checkTag(node: YamlNode, expected: string): void {
    if (node.tag === undefined || node.tag === '!' || node.tag === CORE + expected) return;
    throw this.fail(node, `could not determine a constructor for the tag '${node.tag}'`);
  }

  private fail(node: YamlNode, problem: string): SluiceError {
    return configError('yaml', problem, { where: originText(this.origin(node)) });
  }

  origin(node: YamlNode): Origin {
    return { source: this.source, line: node.line + 1, column: node.column + 1 };
  }
}

function scalarTag(node: ScalarNode): string {
  if (node.tag === undefined) return node.plain ? plainTag(node.text) : 'str';
  return node.tag === `${CORE}str` || node.tag === '!' ? 'str' : node.tag;
}

/** Refuses aliases that contain themselves and documents that aliases blow up beyond the reference's limits. */
function rejectBombs(root: YamlNode, source: string, aliases: boolean): void {
  if (!aliases) return;
  const expanded = new Map<YamlNode, number>();
  const visiting = new Set<YamlNode>();
  const fail = (node: YamlNode, problem: string) =>
    configError('yaml', problem, {
      where: originText({ source, line: node.line + 1, column: node.column + 1 }),
    });
  const count = (node: YamlNode): number => {
    const known = expanded.get(node);
    if (known !== undefined) return known;
    if (visiting.has(node)) throw fail(node, 'YAML recursive aliases are not supported');
    visiting.add(node);
    let total = 1;
    if (node.kind === 'sequence') for (const item of node.items) total += count(item);
    if (node.kind === 'mapping') for (const [key, value] of node.entries) total += count(key) + count(value);
    visiting.delete(node);
    expanded.set(node, total);
    return total;
  };
  const total = count(root);
  const unique = expanded.size;
  if (total > MAX_NODES && total > unique) {
    throw fail(
      root,
      `YAML aliases expand the document to ${total} nodes, more than the limit of ${MAX_NODES}`,
    );
  }
  if (total > MIN_RATIO_NODES && total > unique * MAX_RATIO) {
    throw fail(
      root,
      `YAML aliases expand the document from ${unique} nodes to ${total}, more than ${MAX_RATIO} times`,
    );
  }
}
