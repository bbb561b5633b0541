import { pyStr, pyTypeName } from '../python-text.js';
import { PyDict, type PyValue } from '../python-value.js';
import { createNode, DictNode, isContainer, type ListNode, rawValue } from '../tree/node.js';
import { createFromYaml } from '../yaml/construct.js';
import { type Argument, plain, type Resolver } from './evaluate.js';
import { formatTime } from './format-time.js';
import { parseElement } from './parse.js';

/**
 * `oc.env`, `oc.select`, `oc.decode`, `oc.create`, `oc.deprecated`, `oc.dict.keys`, `oc.dict.values` and `now`, as the reference
 * has them. `warn` gets the notice of `oc.deprecated`; `now` is one moment for the whole composition.
 */
export function builtInResolvers(
  env: Readonly<Record<string, string | undefined>>,
  now: Date,
  warn: (message: string) => void,
): Map<string, Resolver> {
  return new Map<string, Resolver>([
    ['oc.env', (args) => readEnv(env, args)],
    [
      'oc.select',
      (args, { parent, resolution }) => {
        checkCount('oc.select', args, 1, 2);
        const found = resolution.select(parent, text('oc.select', args[0]));
        return found === undefined ? (args[1] ?? null) : found;
      },
    ],
    [
      'oc.decode',
      (args, { parent, resolution }) => {
        checkCount('oc.decode', args, 1, 1);
        const [source] = args;
        return source === null
          ? null
          : resolution.evaluateIn(parseElement(text('oc.decode', source)), parent);
      },
    ],
    ['oc.create', create],
    [
      'oc.deprecated',
      (args, { parent, path, resolution }) => {
        checkCount('oc.deprecated', args, 1, 2);
        const key = text('oc.deprecated', args[0]);
        const message =
          args[1] === undefined
            ? "'$OLD_KEY' is deprecated. Change your code and config to use '$NEW_KEY'"
            : text('oc.deprecated', args[1]);
        const found = resolution.isMissing(parent, key) ? '???' : resolution.select(parent, key);
        if (found === undefined)
          throw new Error(`In oc.deprecated resolver at '${path}': Key not found: '${key}'`);
        warn(message.replaceAll('$OLD_KEY', path).replaceAll('$NEW_KEY', key));
        return found;
      },
    ],
    [
      'oc.dict.keys',
      (args, { parent, resolution }) =>
        createContainer([...dictAt('oc.dict.keys', args, parent, resolution).keys()]),
    ],
    [
      'oc.dict.values',
      (args, { parent, resolution }) => {
        const key = text('oc.dict.values', args[0]);
        const keys = dictAt('oc.dict.values', args, parent, resolution).keys();
        // References rather than values; one more dot because they stand one level deeper, inside a list.
        const base = key.startsWith('.') ? `.${key}` : key;
        return createContainer(Array.from(keys, (name) => `\${${base}.${pyStr(name)}}`));
      },
    ],
    [
      'now',
      (args) => {
        checkCount('now', args, 0, 1);
        return formatTime(now, args[0] === undefined ? '%Y-%m-%d_%H-%M-%S' : text('now', args[0]));
      },
    ],
  ]);
}

function readEnv(env: Readonly<Record<string, string | undefined>>, args: Argument[]): PyValue {
  checkCount('oc.env', args, 1, 2);
  const name = text('oc.env', args[0]);
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  if (value !== undefined) return value;
  const fallback = args[1];
  if (fallback === undefined) throw new Error(`Environment variable '${name}' not found`);
  return fallback === null ? null : pyStr(plain(fallback));
}

function create(args: Argument[]): Argument {
  checkCount('oc.create', args, 1, 1);
  const value = args[0]!;
  if (isContainer(value)) return createContainer(rawValue(value));
  if (value === null) return null;
  if (Array.isArray(value) || value instanceof PyDict) return createContainer(value);
  if (typeof value === 'string') return createFromYaml(value, 'oc.create');
  throw new Error(`oc.create takes a mapping, a list or YAML text, not ${pyTypeName(value)}`);
}

function createContainer(value: PyValue): Argument {
  return createNode(value) as DictNode | ListNode;
}

function dictAt(
  name: string,
  args: Argument[],
  parent: Parameters<Resolver>[1]['parent'],
  resolution: Parameters<Resolver>[1]['resolution'],
): DictNode['entries'] {
  checkCount(name, args, 1, 1);
  const key = text(name, args[0]);
  const found = resolution.select(parent, key);
  if (found === undefined) throw new Error(`Key not found: '${key}'`);
  if (found instanceof DictNode && !found.opaque) return found.entries;
  const type = pyTypeName(plain(found));
  throw new Error(`${name} cannot be applied to a value of type ${type}`);
}

function text(name: string, value: Argument | undefined): string {
  if (typeof value === 'string') return value;
  throw new Error(`${name} takes text, not ${value === undefined ? 'nothing' : pyStr(plain(value))}`);
}

function checkCount(name: string, args: Argument[], least: number, most: number): void {
  if (args.length >= least && args.length <= most) return;
  throw new Error(
    `${name} takes ${least === most ? least : `${least} to ${most}`} arguments, not ${args.length}`,
  );
}
