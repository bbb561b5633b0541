import { SluiceError } from '../../errors.js';
import { configError } from '../config-error.js';
import type { Resolution, Resolved } from '../interpolation/evaluate.js';
import { pyStr } from '../python-text.js';
import { equal, type PyValue } from '../python-value.js';
import { parseIndex, splitKey } from './key-path.js';
import { type Access, assign, mergeInto } from './merge.js';
import {
  type ConfigNode,
  type ContainerNode,
  copyNode,
  createNode,
  DictNode,
  isContainer,
  ListNode,
  type Origin,
  ValueNode,
} from './node.js';

/**
 * Sets the value at a dotted path, making mappings on the way where `access` allows. A mapping onto a mapping merges, a
 * list onto a list replaces. On the way a reference to a container is replaced by a copy of that container, and any other
 * scalar by a mapping, as the reference does.
 */
export function updatePath(
  root: DictNode,
  path: string,
  value: PyValue,
  access: Access,
  resolution: Resolution,
  origin: Origin,
): void {
  const keys = splitKey(path);
  let container: ContainerNode = root;
  for (const key of keys.slice(0, -1)) {
    let next: ConfigNode | undefined = member(container, key);
    if (!isContainer(next)) {
      next = copyOfReferenced(next, resolution) ?? new DictNode(origin);
      put(container, key, next, access, false);
      next = member(container, key) as ContainerNode;
    }
    container = next as ContainerNode;
  }
  const last = keys.at(-1)!;
  const node = createNode(value, origin);
  const current = container instanceof ListNode ? container.items.at(indexOf(last)) : container.get(last);
  if (isContainer(node) && isContainer(current)) mergeInto(current, node, access);
  else put(container, last, node, access, true);
}

/** A copy of the container that `${path}` stands for. Functions are not called to find out. */
function copyOfReferenced(node: ConfigNode | undefined, resolution: Resolution): ContainerNode | undefined {
  if (!(node instanceof ValueNode) || !node.isInterpolation || String(node.value).includes(':'))
    return undefined;
  try {
    const found = resolution.dereference(node);
    return isContainer(found) && !found.opaque ? (copyNode(found) as ContainerNode) : undefined;
  } catch (error) {
    if (error instanceof SluiceError) return undefined;
    throw error;
  }
}

function put(container: ContainerNode, key: string, node: ConfigNode, access: Access, last: boolean): void {
  if (container instanceof DictNode) {
    assign(container, key, node, access, last);
    return;
  }
  const index = indexOf(key);
  const position = index < 0 ? index + container.items.length : index;
  if (position < 0 || position >= container.items.length) {
    throw configError('index', `list index out of range: [${index}] of a list of ${container.items.length}`);
  }
  container.setItem(position, node);
}

function member(container: ContainerNode, key: string): ConfigNode | undefined {
  return container instanceof DictNode ? container.get(key) : container.items.at(indexOf(key));
}

function indexOf(key: string): number {
  const index = parseIndex(key);
  if (index === undefined) throw configError('default', `invalid literal for int() with base 10: '${key}'`);
  return index;
}

/** Removes the value at a path; with `expected`, only if it has that value. Throws `config.compose` when it is not there. */
export function deletePath(
  root: DictNode,
  path: string,
  expected: PyValue | undefined,
  resolution: Resolution,
  origin: Origin,
): void {
  const keys = splitKey(path);
  const last = keys.pop()!;
  const absent = () => configError('compose', `Could not delete from config. '${path}' does not exist.`);
  let container: Resolved = root;
  for (const key of keys) {
    const next: ConfigNode | undefined = isContainer(container) ? member(container, key) : undefined;
    if (next === undefined) throw absent();
    container = resolution.dereference(next);
  }
  if (!isContainer(container)) throw absent();
  if (container instanceof ListNode && parseIndex(last) === undefined) throw absent();
  const node = member(container, last);
  if (node === undefined) throw absent();
  if (expected !== undefined) {
    const actual = resolution.value(node);
    if (!equal(actual, expected)) {
      const message = `The value of '${path}' is ${pyStr(actual)} and not ${pyStr(expected)}.`;
      throw configError('compose', `Could not delete from config. ${message}`);
    }
  }
  if (container instanceof DictNode) container.removeEntry(last, origin);
  else container.items.splice(container.items.indexOf(node), 1);
}

/** The node at a path, interpolations on the way followed. Undefined where a path ends early or its value is `???`. */
export function selectNode(root: DictNode, path: string, resolution: Resolution): Resolved | undefined {
  try {
    return resolution.select(root, path);
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'config.interpolation') return undefined;
    throw error;
  }
}

/** Appends to the list at a path. Throws `config.compose` when there is no list. */
export function extendList(
  root: DictNode,
  path: string,
  values: PyValue[],
  resolution: Resolution,
  origin: Origin,
): void {
  const target = selectNode(root, path, resolution);
  if (!(target instanceof ListNode)) {
    const shown =
      target === undefined ? 'None' : isContainer(target) ? pyStr(resolution.value(target)) : pyStr(target);
    throw configError(
      'compose',
      `Could not append to config list. The existing value of '${path}' is ${shown} which is not a list.`,
    );
  }
  for (const value of values) target.append(createNode(value, origin));
}
