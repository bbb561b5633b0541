import type { ComposedConfig, YamlOptions } from './composed.js';
import { configError } from './config-error.js';
import { Resolution } from './interpolation/evaluate.js';
import { briefText, history, placeText } from './origin.js';
import { keyText } from './python-value.js';
import { type ConfigNode, createNode, DictNode, ListNode } from './tree/node.js';

/** A value of a config and what set it. */
export interface OriginEntry {
  path: string;
  /** As YAML text. */
  value: string;
  where: string;
  /** What stood there before, newest first. What a list replaced is told of its first item. */
  replaced: { where: string; value: string }[];
}

/**
 * Every scalar and empty container, in config order, with the file:line:column or override that set it. The options are
 * those of `yaml()`: the task's config unless `part` says otherwise, whole unless `package` names a part.
 */
export function listOrigins(composed: ComposedConfig, options: YamlOptions = {}): OriginEntry[] {
  const { part = 'job', resolve = false, package: pkg = '' } = options;
  const { root, task, resolvers } = composed.internal;
  const resolution = new Resolution(resolvers);
  const entries: OriginEntry[] = [];
  const valueText = (node: ConfigNode, path: string): string => {
    if (!resolve) return briefText(node);
    try {
      return briefText(createNode(resolution.value(node)));
    } catch (error) {
      // Some of Hydra's own values come with the run.
      if (path.startsWith('hydra.')) return briefText(node);
      throw error;
    }
  };
  const visit = (node: ConfigNode, path: string, inherited: OriginEntry['replaced'] = []): void => {
    const replaced = [...history(node), ...inherited];
    if (node instanceof ListNode && node.items.length > 0) {
      node.items.forEach((item, index) => {
        visit(item, `${path}[${index}]`, index === 0 ? replaced : []);
      });
    } else if (node instanceof DictNode && node.entries.size > 0) {
      for (const [key, child] of node.entries)
        visit(child, path === '' ? keyText(key) : `${path}.${keyText(key)}`);
    } else {
      entries.push({ path, value: valueText(node, path), where: placeText(node), replaced });
    }
  };
  if (part !== 'hydra') visit(part === 'job' ? task() : root, '');
  else visit(root.get('hydra')!, 'hydra');
  if (pkg === '' || pkg === '_global_') return entries;
  const asked = entries.filter(
    ({ path }) => path === pkg || path.startsWith(`${pkg}.`) || path.startsWith(`${pkg}[`),
  );
  if (asked.length === 0)
    throw configError('compose', `there is no '${pkg}' in the config`, { where: `--package ${pkg}` });
  return asked;
}

/** `--cfg job --origin`: one line per value, `path: value  # where, was value (where)`. */
export function printOrigins(composed: ComposedConfig, options: YamlOptions = {}): string {
  return listOrigins(composed, options)
    .map(({ path, value, where, replaced }) => {
      const before = replaced.map((old) => `, was ${old.value} (${old.where})`).join('');
      return `${path}: ${value}  # ${where}${before}\n`;
    })
    .join('');
}
