import { keyText, PyDict, type PyValue } from './python-value.js';
import { type ConfigNode, isContainer, originText, RemovedNode, rawValue } from './tree/node.js';
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

const WIDTH = 60;

/** One line; what is longer is cut. */
export function briefText(node: ConfigNode): string {
  const text = node instanceof RemovedNode ? 'removed' : flowText(rawValue(node));
  return text.length > WIDTH && isContainer(node) ? `${text.slice(0, WIDTH)}…` : text;
}

function flowText(value: PyValue): string {
  if (Array.isArray(value)) return `[${value.map(flowText).join(', ')}]`;
  if (value instanceof PyDict)
    return `{${Array.from(value, ([key, item]) => `${keyText(key)}: ${flowText(item)}`).join(', ')}}`;
  const lines = emitYaml(value).trimEnd().split('\n');
  return lines.length === 1 ? lines[0]! : `${lines[0]} …`;
}
