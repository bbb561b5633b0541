import { configError } from '../config-error.js';
import { parseInterpolation } from '../interpolation/parse.js';
import { Float, type Key, PyDict, PyMap, type PyValue, type Scalar } from '../python-value.js';
import type { StructType } from './struct-type.js';

/** Where a value came from: a place in a file, or a command line override (then without line). */
export interface Origin {
  source: string;
  /** 1-based. */
  line?: number;
  column?: number;
}

export function originText(origin: Origin | undefined): string | undefined {
  if (origin === undefined) return undefined;
  return origin.line === undefined ? origin.source : `${origin.source}:${origin.line}:${origin.column}`;
}

export type ConfigNode = ValueNode | ListNode | DictNode;
export type ContainerNode = ListNode | DictNode;

abstract class TreeNode {
  parent: ContainerNode | undefined;
  /** Plain data that a resolver gave: paths do not lead into it, as in the reference. */
  opaque = false;
  origin: Origin | undefined;
  /** The value that stood in this place before. */
  replaced: ConfigNode | undefined;

  constructor(origin: Origin | undefined) {
    this.origin = origin;
  }

  get root(): ConfigNode {
    let node: ConfigNode = this as unknown as ConfigNode;
    while (node.parent !== undefined) node = node.parent;
    return node;
  }
}

/** A scalar: a value, the text of an interpolation, or `???`. */
export class ValueNode extends TreeNode {
  readonly value: Scalar;
  constructor(value: Scalar, origin?: Origin) {
    super(origin);
    this.value = value;
  }

  get isMissing(): boolean {
    return this.value === '???';
  }

  get isInterpolation(): boolean {
    return typeof this.value === 'string' && this.value.includes('${');
  }
}

/** In a history: what an override `~key` left in the place of a value. */
export class RemovedNode extends ValueNode {
  constructor(removed: ConfigNode, origin: Origin) {
    super(null, origin);
    this.replaced = removed;
  }
}

export class ListNode extends TreeNode {
  readonly items: ConfigNode[] = [];

  append(node: ConfigNode): void {
    node.parent = this;
    this.items.push(node);
  }

  setItem(index: number, node: ConfigNode): void {
    node.parent = this;
    node.replaced = this.items[index];
    this.items[index] = node;
  }
}

export class DictNode extends TreeNode {
  readonly entries = new PyMap<ConfigNode>();
  /** What stood at keys that were removed, for the history of what is put there later. */
  private removed: PyMap<RemovedNode> | undefined;
  /** Fixed keys and their types, for the parts of the `hydra` node that have them. */
  type: StructType | undefined;

  get(key: Key): ConfigNode | undefined {
    return this.entries.get(key);
  }

  setEntry(key: Key, node: ConfigNode): void {
    node.parent = this;
    const old = this.entries.get(key) ?? this.removed?.get(key);
    if (old !== undefined && old !== node) node.replaced = old;
    this.entries.set(key, node);
  }

  removeEntry(key: Key, origin: Origin): void {
    const old = this.entries.get(key);
    if (old === undefined) return;
    this.removed ??= new PyMap();
    this.removed.set(key, new RemovedNode(old, origin));
    this.entries.delete(key);
  }
}

export function isContainer(node: unknown): node is ContainerNode {
  return node instanceof DictNode || node instanceof ListNode;
}

/**
 * The tree of a value. Throws `config.grammar` for text with malformed interpolations, `config.key_type` for a null key,
 * `config.value_type` for a value that is no data (a sweep inside a list).
 */
export function createNode(value: PyValue, origin?: Origin): ConfigNode {
  if (Array.isArray(value)) {
    const list = new ListNode(origin);
    for (const item of value) list.append(createNode(item, origin));
    return list;
  }
  if (value instanceof PyDict) {
    const dict = new DictNode(origin);
    for (const [key, item] of value) dict.setEntry(checkKey(key, origin), createNode(item, origin));
    return dict;
  }
  return createValue(value, origin);
}

/** Data as it is written in a program: every number a whole one. */
export type PlainValue = null | boolean | number | string | PlainValue[] | { [key: string]: PlainValue };

/** The tree of data that is known to be good. */
export function plainNode(value: PlainValue, origin: Origin): ConfigNode {
  if (value === null || typeof value !== 'object') return new ValueNode(value, origin);
  if (Array.isArray(value)) {
    const list = new ListNode(origin);
    for (const item of value) list.append(plainNode(item, origin));
    return list;
  }
  const dict = new DictNode(origin);
  for (const key of Object.keys(value)) dict.setEntry(key, plainNode(value[key]!, origin));
  return dict;
}

export function createValue(value: Scalar, origin?: Origin): ValueNode {
  if (typeof value === 'string') {
    if (value.includes('${')) parseInterpolation(value, originText(origin));
  } else if (
    typeof value === 'object' &&
    value !== null &&
    !(value instanceof Float) &&
    !(value instanceof Uint8Array)
  ) {
    throw configError(
      'value_type',
      'only values, lists and mappings can be set; this is a sweep or a function',
      {
        where: originText(origin),
      },
    );
  }
  return new ValueNode(value, origin);
}

export function checkKey(key: Key, origin?: Origin): Key {
  if (key !== null) return key;
  throw configError('key_type', "Incompatible key type 'NoneType': null cannot be a key", {
    where: originText(origin),
  });
}

/** A copy with its own nodes; origins are kept. */
export function copyNode(node: ConfigNode): ConfigNode {
  if (node instanceof ValueNode) {
    const value = new ValueNode(node.value, node.origin);
    value.replaced = node.replaced;
    return value;
  }
  if (node instanceof ListNode) {
    const list = new ListNode(node.origin);
    for (const item of node.items) list.append(copyNode(item));
    list.replaced = node.replaced;
    return list;
  }
  const dict = new DictNode(node.origin);
  for (const [key, child] of node.entries) {
    const copy = copyNode(child);
    dict.setEntry(key, copy);
  }
  dict.type = node.type;
  dict.replaced = node.replaced;
  return dict;
}

/** The value of a tree with interpolations left as text. */
export function rawValue(node: ConfigNode): PyValue {
  if (node instanceof ValueNode) return node.value;
  if (node instanceof ListNode) return node.items.map(rawValue);
  const dict = new PyDict();
  for (const [key, child] of node.entries) dict.set(key, rawValue(child));
  return dict;
}
