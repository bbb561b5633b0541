import { type ConfigNode, originText, rawValue } from './tree/node.js';
import { emitYaml } from './yaml/emit.js';

/** What stood in a place before, newest first. */
export function history(node: ConfigNode): { where: string; value: string }[] {
  const replaced: { where: string; value: string }[] = [];
  for (let old = node.replaced; old !== undefined; old = old.replaced)
    replaced.push({ where: placeText(old), value: briefText(old) });
  return replaced;
}

export function placeText(node: ConfigNode): string {
  return originText(node.origin) ?? 'built in';
}

/** One line; a container that was replaced is shown in short. */
export function briefText(node: ConfigNode): string {
  const lines = emitYaml(rawValue(node)).trimEnd().split('\n');
  return lines.length === 1 ? lines[0]! : `${lines[0]} …`;
}
