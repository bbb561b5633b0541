import { SluiceError } from '../../errors.js';
import { configError, isConfigError } from '../config-error.js';
import { Resolution } from '../interpolation/evaluate.js';
import { nearest } from '../nearest.js';
import { type Key, keyText } from '../python-value.js';
import {
  type ConfigNode,
  type ContainerNode,
  copyNode,
  DictNode,
  isContainer,
  ListNode,
  originText,
  ValueNode,
} from './node.js';
import { convertScalar, type FieldType, type StructType } from './struct-type.js';

/**
 * Which keys may be added: `struct` none (a plain `key=value`), `file` any but to mappings with fixed keys, `open` any
 * (`+key=value`).
 */
export type Access = 'struct' | 'file' | 'open';

/**
 * Merges `source` into `target`: mappings key by key, lists replaced whole, null and interpolations replace, `???` keeps what
 * is there. Nodes of `source` are moved into `target`. Throws `config.merge_type` for a list onto a mapping or the reverse,
 * `config.struct_key` for a key that may not be added, `config.validation` for a typed field.
 */
export function mergeInto(target: ContainerNode, source: ContainerNode, access: Access): void {
  if (target instanceof ListNode && source instanceof ListNode) {
    replaceItems(target, source);
  } else if (target instanceof DictNode && source instanceof DictNode) {
    for (const [key, node] of source.entries) mergeEntry(target, key, node, access);
  } else {
    const [from, onto] = source instanceof ListNode ? ['list', 'mapping'] : ['mapping', 'list'];
    throw configError('merge_type', `Cannot merge incompatible container types: a ${from} onto a ${onto}`, {
      ...where(source),
    });
  }
}

function replaceItems(target: ListNode, source: ListNode): void {
  const before = new ListNode(target.origin);
  before.replaced = target.replaced;
  for (const item of target.items) before.items.push(item);
  target.replaced = before;
  target.origin = source.origin;
  target.items.length = 0;
  for (const item of source.items) target.append(item);
}

function mergeEntry(target: DictNode, key: Key, node: ConfigNode, access: Access): void {
  const missing = node instanceof ValueNode && node.isMissing;
  let current = target.get(key);
  // Any other node replaces the interpolation, whatever it stands for.
  if ((missing || isContainer(node)) && current instanceof ValueNode && current.isInterpolation)
    current = adoptTarget(target, key, current) ?? current;
  if (current === undefined) {
    assign(target, key, node, access);
  } else if (isContainer(current) && isContainer(node)) {
    try {
      mergeInto(current, node, access);
    } catch (error) {
      throw inKey(error, key);
    }
  } else if (!missing) {
    assign(target, key, node, access);
  }
}

/** An interpolation to a container that is merged onto becomes a copy of that container first. */
function adoptTarget(target: DictNode, key: Key, node: ValueNode): ContainerNode | undefined {
  try {
    const resolved = new Resolution(new Map()).dereference(node);
    if (!isContainer(resolved)) return undefined;
    const copy = copyNode(resolved) as ContainerNode;
    target.setEntry(key, copy);
    return copy;
  } catch (error) {
    if (error instanceof SluiceError) return undefined;
    throw error;
  }
}

/** Puts a node at a key, checked against the mapping's type if it has one, and against its keys if it may not grow. */
export function assign(
  target: DictNode,
  key: Key,
  node: ConfigNode,
  access: Access,
  asAttribute = false,
): void {
  const current = target.get(key);
  const field = fieldOf(target.type, key);
  const fixed = access === 'file' && target.type !== undefined && field === undefined;
  if (current === undefined && (access === 'struct' || fixed))
    throw unknownKey(target, key, node, asAttribute);
  target.setEntry(key, field === undefined ? node : typed(node, field, keyText(key)));
}

/** A node that fits a field: scalars converted, mappings checked key by key. */
export function typed(node: ConfigNode, field: FieldType, path: string): ConfigNode {
  if (field.kind === 'any') return node;
  if (node instanceof ValueNode) {
    if (field.kind === 'struct' || field.kind === 'list' || field.kind === 'dict') return node;
    try {
      const value = convertScalar(node.value, field, path);
      return value === node.value ? node : new ValueNode(value, node.origin);
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      throw new SluiceError(error.code, `${path}: ${error.message}`, { ...where(node) });
    }
  }
  if (field.kind === 'list' && node instanceof ListNode) {
    const items = node.items.map((item, index) => typed(item, field.of, `${path}[${index}]`));
    node.items.length = 0;
    for (const item of items) node.append(item);
    return node;
  }
  if (field.kind === 'dict' && node instanceof DictNode) {
    return typedStruct(node, { name: 'dict', fields: {}, other: field.of }, path);
  }
  if (field.kind === 'struct' && node instanceof DictNode) return typedStruct(node, field.type, path);
  throw configError(
    'validation',
    `${path}: a ${node instanceof ListNode ? 'list' : 'mapping'} cannot be set here`,
    {
      ...where(node),
    },
  );
}

export function typedStruct(node: DictNode, type: StructType, path: string): DictNode {
  node.type = type;
  for (const [key, child] of [...node.entries]) {
    const field = fieldOf(type, key);
    if (field === undefined) throw unknownKey(node, key, child, false);
    const converted = typed(child, field, `${path}.${keyText(key)}`);
    if (converted !== child) node.setEntry(key, converted);
  }
  return node;
}

function fieldOf(type: StructType | undefined, key: Key): FieldType | undefined {
  const name = keyText(key);
  return type !== undefined && Object.hasOwn(type.fields, name) ? type.fields[name] : type?.other;
}

function unknownKey(target: DictNode, key: Key, node: ConfigNode, asAttribute: boolean): SluiceError {
  const name = keyText(key);
  const known =
    target.type === undefined ? Array.from(target.entries.keys(), keyText) : Object.keys(target.type.fields);
  const close = nearest(name, known);
  const kind = asAttribute ? 'struct_attribute' : 'struct_key';
  const place = target.type === undefined ? 'is not in struct' : `not in '${target.type.name}'`;
  return configError(kind, `Key '${name}' ${place}`, {
    ...where(node),
    ...(close.length === 0 ? {} : { hint: `did you mean ${close.map((one) => `'${one}'`).join(' or ')}?` }),
  });
}

function where(node: ConfigNode): { where?: string } {
  const place = originText(node.origin);
  return place === undefined ? {} : { where: place };
}

function inKey(error: unknown, key: Key): unknown {
  if (!isConfigError(error, 'merge_type')) return error;
  const message = error.message.includes(' (at ')
    ? error.message.replace(' (at ', ` (at ${keyText(key)}.`)
    : `${error.message} (at ${keyText(key)})`;
  return configError('merge_type', message, error.where === undefined ? {} : { where: error.where });
}
