import type { ComposedConfig } from '../compose.js';
import type { LoadedSchema } from '../schema.js';
import { groupsOfTree, overridableGroups, perLevel } from './groups.js';
import { absentKeys, existingKeys, packages } from './keys.js';
import { completeValue } from './values.js';

export interface CompletionContext {
  /** Composed with the overrides before the word. */
  composed: ComposedConfig;
  /** Of the config; it knows the values, and the keys that the config does not have. */
  schema: LoadedSchema | undefined;
  /** Files and folders whose path begins so; folders end in `/`. */
  files(begin: string): string[];
}

/**
 * What an override that begins like `word` can be, sorted: groups, keys one level deeper, values. `+` offers what can be
 * added, `++` what can be set, `~` what can be removed; without a prefix it is what can be changed.
 */
export function completeOverride(word: string, context: CompletionContext): string[] {
  const prefix = /^(?:\+\+|\+|~)?/.exec(word)![0];
  const body = word.slice(prefix.length);
  const found = body.includes('=')
    ? completeValue(prefix, body, context)
    : completeName(prefix, body, context);
  return [...new Set(found.filter((each) => each.startsWith(body)))].sort().map((each) => `${prefix}${each}`);
}

function completeName(prefix: string, body: string, { composed, schema }: CompletionContext): string[] {
  const { root } = composed.internal;
  const at = body.indexOf('@');
  if (prefix === '+' && at >= 0) {
    const group = body.slice(0, at + 1);
    return packages(root, body.slice(at + 1)).map((name) => `${group}${name}`);
  }
  const chosen = overridableGroups(composed);
  const end = prefix === '~' ? '' : '=';
  const groups =
    prefix === '++'
      ? []
      : prefix === '+'
        ? groupsOfTree(composed).filter((group) => !chosen.some((key) => key.split('@')[0] === group))
        : chosen;
  const keys = prefix === '+' ? [] : existingKeys(root, body, end);
  const absent = prefix === '+' || prefix === '++' ? absentKeys(root, schema, body) : [];
  return [...perLevel(groups, body, end), ...keys, ...absent];
}
