import type { ComposedConfig } from './compose.js';
import { childOf } from './interpolation/evaluate.js';
import { placeText } from './origin.js';
import { splitKey } from './tree/key-path.js';
import { type ConfigNode, isContainer, ListNode } from './tree/node.js';

const MAX_HOPS = 8;

/**
 * Where the value at a path comes from, through the interpolations that bring it there:
 * `configs/stage_1.yaml:21:9 as ${seed}, from override seed=-1`. Undefined where there is no value at the path.
 */
export function placeOfValue(composed: ComposedConfig, path: string): string | undefined {
  const hops: string[] = [];
  let keys: readonly string[] = splitKey(path);
  while (hops.length < MAX_HOPS) {
    const { node, rest } = descend(composed.internal.root, keys);
    if (node === undefined) break;
    if (isContainer(node) || !node.isInterpolation) {
      if (rest.length === 0) hops.push(placeText(node));
      break;
    }
    hops.push(`${placeText(node)} as ${node.value}`);
    const target = /^\$\{([\w-]+(?:\.[\w-]+|\[\d+\])*)\}$/.exec(String(node.value))?.[1];
    if (target === undefined) break;
    keys = [...splitKey(target), ...rest];
  }
  return hops.length === 0 ? undefined : hops.join(', from ');
}

/** The node at a path, or the scalar on the way to it with the keys that are left. */
function descend(
  root: ConfigNode,
  keys: readonly string[],
): { node: ConfigNode | undefined; rest: readonly string[] } {
  let node: ConfigNode | undefined = root;
  for (const [index, key] of keys.entries()) {
    if (!isContainer(node)) return { node, rest: keys.slice(index) };
    node = node instanceof ListNode && !/^\d+$/.test(key) ? undefined : childOf(node, key);
    if (node === undefined) return { node, rest: [] };
  }
  return { node, rest: [] };
}
