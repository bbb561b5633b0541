import type { ComposedConfig } from './compose.js';
import { briefText, history, placeText } from './origin.js';
import { keyText } from './python-value.js';
import { type ConfigNode, ListNode, ValueNode } from './tree/node.js';

/** A value of a config and what set it. */
export interface OriginEntry {
  path: string;
  /** As YAML text, before interpolations are resolved. */
  value: string;
  where: string;
  /** What stood there before, newest first. */
  replaced: { where: string; value: string }[];
}

/** Every scalar and empty container of the task's config, in config order, with the file:line:column or override that set it. */
export function listOrigins(composed: ComposedConfig): OriginEntry[] {
  const entries: OriginEntry[] = [];
  const visit = (node: ConfigNode, path: string): void => {
    if (node instanceof ListNode && node.items.length > 0) {
      node.items.forEach((item, index) => {
        visit(item, `${path}[${index}]`);
      });
    } else if (!(node instanceof ValueNode || node instanceof ListNode) && node.entries.size > 0) {
      for (const [key, child] of node.entries)
        visit(child, path === '' ? keyText(key) : `${path}.${keyText(key)}`);
    } else {
      entries.push({ path, value: briefText(node), where: placeText(node), replaced: history(node) });
    }
  };
  visit(composed.internal.task(), '');
  return entries;
}

/** `--cfg job --origin`: one line per value, `path: value  # where, was value (where)`. */
export function printOrigins(composed: ComposedConfig): string {
  return listOrigins(composed)
    .map(({ path, value, where, replaced }) => {
      const before = replaced.map((old) => `, was ${old.value} (${old.where})`).join('');
      return `${path}: ${value}  # ${where}${before}\n`;
    })
    .join('');
}
