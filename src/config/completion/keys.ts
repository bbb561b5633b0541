import { keyText } from '../python-value.js';
import type { LoadedSchema } from '../schema.js';
import { type SchemaPlace, schemaPlace } from '../schema-tree.js';
import { type ConfigNode, DictNode, isContainer, ListNode } from '../tree/node.js';

/** The keys at a level of the config: `training.` for a mapping that has some, `seed=` for a value. */
export function existingKeys(root: DictNode, begin: string, end: string): string[] {
  const { path, base } = level(begin);
  return children(nodeAt(root, path)).flatMap(([key, child]) => {
    const name = `${base}${key}`;
    const inside = children(child).length > 0 ? [`${name}.`] : [];
    // `~` may also remove a mapping as a whole; a list may also be set as a whole.
    const whole = inside.length === 0 || end === '' || child instanceof ListNode;
    return whole ? [`${name}${end}`, ...inside] : inside;
  });
}

/** The keys that the schema allows at a level and the config does not have, and the mappings to go down to for more. */
export function absentKeys(root: DictNode, schema: LoadedSchema | undefined, begin: string): string[] {
  if (schema === undefined) return [];
  const { path, base } = level(begin);
  const found: string[] = [];
  for (const [key, { mapping }] of schemaPlace(schema, path).keys) {
    const child = nodeAt(root, [...path, key]);
    if (child === undefined) found.push(`${base}${key}${mapping ? '.' : '='}`);
    else if (child instanceof DictNode && takesMore(child, schema, [...path, key]))
      found.push(`${base}${key}.`);
  }
  return found;
}

/** The mappings of the config, as packages to put a group at. */
export function packages(root: DictNode, begin: string): string[] {
  const { path, base } = level(begin);
  const mappings = (node: ConfigNode | undefined) =>
    children(node).filter(([, child]) => child instanceof DictNode);
  return mappings(nodeAt(root, path)).flatMap(([key, child]) => {
    const name = `${base}${key}`;
    return mappings(child).length > 0 ? [`${name}=`, `${name}.`] : [`${name}=`];
  });
}

export function nodeAt(root: DictNode, path: readonly string[]): ConfigNode | undefined {
  let node: ConfigNode | undefined = root;
  for (const key of path) {
    if (node instanceof ListNode) node = node.items[Number(key)];
    else if (node instanceof DictNode) node = children(node).find(([name]) => name === key)?.[1];
    else return undefined;
  }
  return node;
}

function takesMore(node: DictNode, schema: LoadedSchema, path: string[]): boolean {
  const place: SchemaPlace = schemaPlace(schema, path);
  return (
    place.open ||
    [...place.keys].some(([key, { mapping }]) => {
      const child = nodeAt(node, [key]);
      return (
        child === undefined ||
        (mapping && child instanceof DictNode && takesMore(child, schema, [...path, key]))
      );
    })
  );
}

/** Children by the text that names them in an override. Keys that would need escapes there are left out. */
function children(node: ConfigNode | undefined): [string, ConfigNode][] {
  if (!isContainer(node)) return [];
  if (node instanceof ListNode) return node.items.map((item, index) => [String(index), item]);
  return [...node.entries]
    .map(([key, child]): [string, ConfigNode] => [keyText(key), child])
    .filter(([key]) => /^[^\s.[\]=@\\"']+$/.test(key));
}

/** `training.lr` is being typed in the mapping `training`. */
function level(begin: string): { path: string[]; base: string } {
  const dot = begin.lastIndexOf('.');
  return { path: dot < 0 ? [] : begin.slice(0, dot).split('.'), base: begin.slice(0, dot + 1) };
}
