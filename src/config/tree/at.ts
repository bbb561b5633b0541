import { type ConfigNode, DictNode } from './node.js';

/** The node at the end of plain keys, without interpolation; undefined where there is none. */
export function at(tree: DictNode, ...keys: string[]): ConfigNode | undefined {
  let node: ConfigNode | undefined = tree;
  for (const key of keys) node = node instanceof DictNode ? node.get(key) : undefined;
  return node;
}
