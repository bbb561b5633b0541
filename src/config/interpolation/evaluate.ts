import { SluiceError } from '../../errors.js';
import { configError, isConfigError } from '../config-error.js';
import { pyStr } from '../python-text.js';
import { PyDict, type PyValue, type Scalar } from '../python-value.js';
import { parseIndex, splitKey } from '../tree/key-path.js';
import {
  type ConfigNode,
  type ContainerNode,
  createNode,
  DictNode,
  isContainer,
  ListNode,
  originText,
  rawValue,
  ValueNode,
} from '../tree/node.js';
import { type Expression, type Interpolation, parseInterpolation } from './parse.js';

/** What an interpolation gives: a scalar, or a container of the tree (whose own interpolations are still text). */
export type Resolved = Scalar | ContainerNode;
/** What a resolver may be given and may give. */
export type Argument = PyValue | ContainerNode;

/** A `${name:…}` function. Errors it throws become "could not resolve" errors naming the place. */
export type Resolver = (args: Argument[], call: ResolverCall) => Argument;

export interface ResolverCall {
  /** The container in which the interpolation stands; keys starting with a dot are relative to it. */
  parent: ContainerNode;
  /** Dotted path of the value being resolved. */
  path: string;
  resolution: Resolution;
}

/** Result of looking a path up. */
type Selected =
  | { found: Resolved }
  | { missing: true; path: string }
  | { absent: true; key: string; within: ContainerNode | undefined }
  | { notContainer: string };

const MAX_DEPTH = 400;
const MAX_VALUES = 2_000_000;
const MAX_TEXT = 64 << 20; // characters that interpolated texts may hold in all

/** Evaluates interpolations of one tree. Throws `config.interpolation*` errors that name the place. */
export class Resolution {
  private readonly resolvers: ReadonlyMap<string, Resolver>;
  private readonly active = new Set<ValueNode>();
  private depth = 0;
  private values = 0;
  private characters = 0;

  constructor(resolvers: ReadonlyMap<string, Resolver>) {
    this.resolvers = resolvers;
  }

  /** The value of a tree with every interpolation resolved. `???` stays as text. */
  value(node: ConfigNode): PyValue {
    const resolved = this.dereference(node);
    if (!isContainer(resolved)) return resolved;
    this.enter();
    try {
      if (resolved instanceof ListNode) return resolved.items.map((item) => this.value(item));
      const dict = new PyDict();
      for (const [key, child] of resolved.entries) dict.set(key, this.value(child));
      return dict;
    } finally {
      this.depth--;
    }
  }

  /** One node with its own interpolation, if it is one, resolved. */
  dereference(node: ConfigNode): Resolved {
    if (++this.values > MAX_VALUES)
      throw configError('recursion', `interpolations expand to more than ${MAX_VALUES} values`);
    if (!(node instanceof ValueNode)) return node;
    if (!node.isInterpolation) return node.value;
    if (this.active.has(node)) {
      throw configError(
        'interpolation',
        `Recursive interpolation detected: '${node.value}' needs its own value`,
        {
          where: placeOf(node),
        },
      );
    }
    this.active.add(node);
    this.enter();
    try {
      const expression = parseInterpolation(node.value as string);
      return this.settle(this.evaluate(expression, node), node);
    } catch (error) {
      throw this.located(error, node);
    } finally {
      this.depth--;
      this.active.delete(node);
    }
  }

  /**
   * The value at a path (`a.b[0]`; with leading dots relative to `from`, else absolute). Undefined when there is none, when
   * it is `???`, when the path goes through a scalar, or when its dots go above the top of the config.
   */
  select(from: ContainerNode, path: string): Resolved | undefined {
    const anchored = anchor(from, path);
    if (anchored === undefined) return undefined;
    const selected = this.lookUp(...anchored);
    return 'found' in selected ? selected.found : undefined;
  }

  /** Whether the value at a path is `???`. */
  isMissing(from: ContainerNode, path: string): boolean {
    const anchored = anchor(from, path);
    return anchored !== undefined && 'missing' in this.lookUp(...anchored);
  }

  /** Evaluates the expression of `oc.decode` in the place of `parent`. */
  evaluateIn(expression: Expression, parent: ContainerNode): Argument {
    const node = new ValueNode(null);
    node.parent = parent;
    return this.evaluate(expression, node);
  }

  private evaluate(expression: Expression, node: ValueNode): Argument {
    if (expression.kind === 'constant') return expression.value;
    if (expression.kind === 'text') return this.join(expression.parts, node);
    if (expression.kind === 'quoted') return textOf(this.evaluate(expression.content, node));
    if (expression.kind === 'list') return expression.items.map((item) => plain(this.evaluate(item, node)));
    if (expression.kind === 'dict') {
      return new PyDict(
        expression.entries.map(([key, item]) => [key, plain(this.evaluate(item, node))] as const),
      );
    }
    return expression.kind === 'node'
      ? this.evaluateNode(expression, node)
      : this.callResolver(expression, node);
  }

  private join(parts: (string | Interpolation)[], node: ValueNode): string {
    let text = '';
    for (const part of parts) {
      text += typeof part === 'string' ? part : textOf(this.evaluate(part, node));
      if (text.length > MAX_TEXT) throw configError('recursion', 'an interpolation expands to too much text');
    }
    this.characters += text.length;
    if (this.characters > MAX_TEXT) throw configError('recursion', 'interpolations expand to too much text');
    return text;
  }

  private evaluateNode(expression: Interpolation & { kind: 'node' }, node: ValueNode): Argument {
    const path =
      '.'.repeat(expression.dots) + expression.raw.map((part) => this.keyText(part, node)).join('');
    const parent = node.parent!;
    const anchored = anchor(parent, path);
    if (anchored === undefined) {
      throw configError('interpolation_key', `'${path}' goes above the top of the config`);
    }
    const selected = this.lookUp(...anchored);
    if ('missing' in selected) {
      throw configError('interpolation_missing', `'${selected.path}' is mandatory and has no value (???)`);
    }
    if ('notContainer' in selected) throw configError('interpolation', selected.notContainer);
    if ('absent' in selected) throw keyNotFound(path, selected.key, selected.within);
    if (isContainer(selected.found)) rejectAncestor(selected.found, parent, path);
    return selected.found;
  }

  private keyText(part: string | Interpolation, node: ValueNode): string {
    if (typeof part === 'string') return part;
    const value = this.evaluate(part, node);
    if (typeof value === 'string') return value;
    throw configError(
      'interpolation',
      `a key must be text, but an interpolation in it gives ${textOf(value)}`,
    );
  }

  private callResolver(expression: Interpolation & { kind: 'resolver' }, node: ValueNode): Argument {
    const name = expression.name.map((part) => this.keyText(part, node)).join('.');
    const args = expression.args.map((arg) => this.evaluate(arg, node));
    const resolver = this.resolvers.get(name);
    if (resolver === undefined) {
      throw configError('interpolation_resolver', `Unsupported interpolation type ${name}`, {
        hint: `resolvers: ${Array.from(this.resolvers.keys()).sort().join(', ')}`,
      });
    }
    return resolver(args, { parent: node.parent!, path: pathOf(node), resolution: this });
  }

  /** Scalars stay; new containers get a place in the tree, so that relative keys inside them work. */
  private settle(value: Argument, node: ValueNode): Resolved {
    if (isContainer(value)) {
      if (value.parent === undefined && value !== node.root) value.parent = node.parent;
      return value;
    }
    if (!Array.isArray(value) && !(value instanceof PyDict)) return value;
    const created = createNode(value, node.origin) as ContainerNode;
    created.opaque = true;
    created.parent = node.parent;
    return created;
  }

  private lookUp(root: ContainerNode, path: string): Selected {
    if (path === '') return { found: root };
    const keys = splitKey(path);
    let container = root;
    for (let index = 0; ; index++) {
      const key = keys[index]!;
      const node = childOf(container, key);
      if (node === undefined) return { absent: true, key, within: container };
      if (node instanceof ValueNode && node.isMissing)
        return { missing: true, path: keys.slice(0, index + 1).join('.') };
      const value = this.dereference(node);
      if (index === keys.length - 1) return { found: value };
      if (!isContainer(value) || value.opaque) {
        const scalar = keys.slice(0, index + 1).join('.');
        return {
          notContainer: `'${path}' cannot be read: '${scalar}' is ${pyStr(plain(value))}, which holds no '${keys[index + 1]}'`,
        };
      }
      container = value;
    }
  }

  private enter(): void {
    if (++this.depth > MAX_DEPTH) {
      this.depth--;
      throw configError(
        'recursion',
        `interpolations are nested deeper than ${MAX_DEPTH} levels, or refer to each other`,
      );
    }
  }

  private located(error: unknown, node: ValueNode): SluiceError {
    const kinds = [
      'interpolation',
      'interpolation_key',
      'interpolation_missing',
      'interpolation_resolver',
      'recursion',
    ];
    const known = isConfigError(error, ...(kinds as Parameters<typeof isConfigError>[1][]));
    if (known && error.where !== undefined) return error;
    const message = error instanceof Error ? error.message : String(error);
    const source = String(node.value);
    const shown = source.length > 200 ? `${source.slice(0, 200)}…` : source;
    const text = `${pathOf(node)}: ${message}${known ? '' : ` (while resolving '${shown}')`}`;
    const details = {
      where: placeOf(node),
      hint: error instanceof SluiceError ? error.hint : undefined,
      cause: error,
    };
    return new SluiceError(known ? error.code : 'config.interpolation', text, details as { where: string });
  }
}

/** The child a path element names. List elements by index, from the end when negative. */
export function childOf(container: ContainerNode, key: string): ConfigNode | undefined {
  if (container instanceof DictNode) return container.get(key);
  const index = parseIndex(key);
  if (index === undefined) throw configError('interpolation', `Index '${key}' is not an integer`);
  return container.items.at(index);
}

/** Dotted path of a node from the top. */
export function pathOf(node: ConfigNode): string {
  const keys: string[] = [];
  for (let child: ConfigNode = node; child.parent !== undefined; child = child.parent) {
    const parent: ContainerNode = child.parent;
    if (parent instanceof ListNode) {
      keys.unshift(`[${parent.items.indexOf(child)}]`);
    } else {
      for (const [key, entry] of parent.entries)
        if (entry === child) keys.unshift(typeof key === 'string' ? key : pyStr(key));
    }
  }
  return keys.join('.').replaceAll('.[', '[');
}

function placeOf(node: ValueNode): string {
  return originText(node.origin) ?? pathOf(node);
}

function textOf(value: Argument): string {
  return pyStr(plain(value));
}

/** A value without tree nodes; containers keep their interpolations as text. */
export function plain(value: Argument): PyValue {
  return isContainer(value) ? rawValue(value) : value;
}

function rejectAncestor(target: ContainerNode, from: ContainerNode, path: string): void {
  for (let node: ContainerNode | undefined = from; node !== undefined; node = node.parent) {
    if (node === target) throw configError('interpolation', `'${path}' contains the value that refers to it`);
  }
}

function keyNotFound(path: string, key: string, within: ContainerNode | undefined): SluiceError {
  const names = within instanceof DictNode ? Array.from(within.entries.keys(), (name) => pyStr(name)) : [];
  const hint = names.length === 0 ? undefined : `keys there: ${names.slice(0, 20).join(', ')}`;
  return configError('interpolation_key', `Interpolation key '${path}' not found: there is no '${key}'`, {
    ...(hint === undefined ? {} : { hint }),
  });
}

/** The container a key starts from, and the rest of the key; undefined when its dots go above the top. */
function anchor(from: ContainerNode, path: string): [ContainerNode, string] | undefined {
  if (!path.startsWith('.')) return [from.root as ContainerNode, path];
  let root: ContainerNode | undefined = from;
  let rest = path.slice(1);
  for (; rest.startsWith('.'); rest = rest.slice(1)) {
    root = root.parent;
    if (root === undefined) return undefined;
  }
  return [root, rest];
}
