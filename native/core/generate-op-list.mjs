// Writes src/graph/op-list.ts from native/core/ops.def, so that the op list exists once.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const here = new URL('.', import.meta.url);
const target = new URL('../../src/graph/op-list.ts', here);
const rows = readFileSync(new URL('ops.def', here), 'utf8').matchAll(
  /^OP\((\w+), "([^"]*)", "([^"]*)", "([^"]*)", "([^"]*)"\)/gm,
);

const list = (text) => JSON.stringify(text.split(' ').filter(Boolean));
const lines = [...rows].map(([, name, inputs, outputs, attributes, traits]) => {
  const pairs = attributes
    .split(' ')
    .filter(Boolean)
    .map((pair) => pair.split(':'));
  return `  ${name}: { inputs: ${list(inputs)}, outputs: ${list(outputs)}, attributes: ${JSON.stringify(Object.fromEntries(pairs))}, traits: ${list(traits)} },`;
});

const text = `// Generated from native/core/ops.def; do not edit.
export type AttributeType = 'int' | 'float' | 'bool' | 'ints' | 'floats' | 'string';

/** One row of the op list; the conventions (\`x?\`, \`x*\`, \`x!\`) are explained in native/core/ops.def. */
export interface OpRow {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, AttributeType>>;
  readonly traits: readonly string[];
}

export const opList = {
${lines.join('\n')}
} as const satisfies Record<string, OpRow>;

export type OpName = keyof typeof opList;
`;

let current = '';
try {
  current = readFileSync(target, 'utf8');
} catch {}
if (current !== text) {
  mkdirSync(new URL('.', target), { recursive: true });
  writeFileSync(target, text);
}
