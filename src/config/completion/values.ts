import { pyStr } from '../python-text.js';
import { schemaPlace } from '../schema-tree.js';
import { type ConfigNode, ListNode, ValueNode } from '../tree/node.js';
import { overridableGroups } from './groups.js';
import { nodeAt } from './keys.js';
import type { CompletionContext } from './override-words.js';

/** Names of keys that hold a file or folder, where no schema says so. */
const PATH_KEY = /(?:^|[._])(?:path|file|folder|dir|directory)$/;

/** Completes what follows the `=` of `body`: options of a group, or values of a key. */
export function completeValue(prefix: string, body: string, context: CompletionContext): string[] {
  const equals = body.indexOf('=');
  const [key, value] = [body.slice(0, equals), body.slice(equals + 1)];
  const found = groupOptions(prefix, key, value, context) ?? keyValues(key, value, context);
  return found.map((each) => `${key}=${each}`);
}

/** Undefined where the key names no group. */
function groupOptions(
  prefix: string,
  key: string,
  value: string,
  { composed }: CompletionContext,
): string[] | undefined {
  const { repository, defaultsList } = composed.internal;
  const group = key.split('@')[0]!;
  const isChosen = overridableGroups(composed).includes(key);
  if (!repository.isGroup(group) || (prefix !== '+' && !isChosen)) return undefined;
  if (prefix === '~') return [defaultsList.selection.known.get(key) ?? ''];
  const slash = value.lastIndexOf('/');
  const folder = value.slice(0, slash + 1).replace(/^.*[,[(]/, '');
  return lastItem(
    value,
    repository.options(`${group}/${folder}`.replace(/\/$/, '')).map((name) => `${folder}${name}`),
  );
}

function keyValues(key: string, value: string, { composed, schema, files }: CompletionContext): string[] {
  if (/^(?:\.{0,2}\/|\.\.?$)/.test(value)) return files(value);
  const path = key.split('.');
  const place = schema === undefined ? undefined : schemaPlace(schema, path);
  const node = nodeAt(composed.internal.root, path);
  const current = shown(node);
  const isBoolean = node instanceof ValueNode && typeof node.value === 'boolean';
  const items = /^(?:extend_list\(|\[)/.test(value) ? (place?.itemChoices ?? []) : [];
  return [
    ...lastItem(value, [...(place?.choices ?? []), ...(isBoolean ? ['false', 'true'] : []), ...items]),
    ...(current === undefined || value.startsWith('[') ? [] : [current]),
    ...(place?.path === true || PATH_KEY.test(key) ? files(value) : []),
  ];
}

/** In a list or a sweep (`a,b`, `[a,b`, `choice(a,b`) only the last item is being typed, and none is offered twice. */
function lastItem(value: string, choices: readonly string[]): string[] {
  const [, before = ''] = /^(.*[,[(])?[^,[(]*$/s.exec(value) ?? [];
  const given = before.split(/[,[(]/);
  return choices.filter((choice) => !given.includes(choice)).map((choice) => `${before}${choice}`);
}

/** The present value as an override would set it; undefined where that is long, needs quotes or is an interpolation. */
function shown(node: ConfigNode | undefined): string | undefined {
  if (node instanceof ValueNode) {
    const text = pyStr(node.value);
    const plain = node.value === null ? 'null' : typeof node.value === 'boolean' ? text.toLowerCase() : text;
    return /^[\w./:%+-]+$/.test(plain) ? plain : undefined;
  }
  if (!(node instanceof ListNode) || node.items.length === 0) return undefined;
  const items = node.items.map((item) => (item instanceof ValueNode ? shown(item) : undefined));
  const text = `[${items.join(',')}]`;
  return items.includes(undefined) || text.length > 200 ? undefined : text;
}
