import { type AttributeValue, type OpKey, opRows } from './op-definition.js';
import type { ProgramBody, ProgramOp, ProgramValue } from './program.js';
import { formatShape } from './shape.js';

/** First line of every program; the engine refuses another version. */
export const programHeader = 'sluice-program 1';

/**
 * The text form of a program: what the native engine reads and people can too. One line each: threads, arena, values,
 * outputs, ops.
 */
export function printProgram(program: ProgramBody): string {
  const { threads, arenaBytes, independentRows, values, outputs, ops } = program;
  return [
    programHeader,
    `threads ${threads}`,
    `arena ${arenaBytes}`,
    ...(independentRows ? ['rows independent'] : []),
    ...values.map((value, id) => `value ${id} ${printValue(value)}`),
    ...outputs.map(({ name, value }) => `output ${JSON.stringify(name)} ${value}`),
    ...ops.map(printOp),
    '',
  ].join('\n');
}

function printValue(value: ProgramValue): string {
  const type = `${value.dtype} ${formatShape(value.shape)}`;
  if (value.kind === 'const') return ['const', type, ...value.values.map(printNumber)].join(' ');
  if (value.kind === 'temp') return `temp @${value.offset} ${type}`;
  if (value.kind === 'alias') return `alias ${value.base} ${type}`;
  return `${value.kind} ${JSON.stringify(value.name)} ${type}`;
}

function printOp({ op, inputs, outputs, attributes, scratch, scope }: ProgramOp): string {
  const list = (ids: readonly (number | null)[]) => `(${ids.map((id) => id ?? '_').join(',')})`;
  const place = scratch ? ` scratch @${scratch.offset}+${scratch.bytes}` : '';
  const settings = printAttributes(op, attributes);
  return `op ${op} ${list(inputs)} -> ${list(outputs)} {${settings}}${place} ${JSON.stringify(scope)}`;
}

function printAttributes(op: OpKey, attributes: Readonly<Record<string, AttributeValue>>): string {
  return Object.keys(opRows[op].attributes)
    .map((name) => `${name}=${printAttribute(attributes[name]!)}`)
    .join(' ');
}

function printAttribute(value: AttributeValue): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'number') return printNumber(value);
  if (typeof value === 'string') return JSON.stringify(value);
  return `[${value.map(printNumber).join(',')}]`;
}

/** Shortest text that reads back as the same number. */
function printNumber(value: number): string {
  if (Number.isFinite(value)) return Object.is(value, -0) ? '-0' : String(value);
  return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
}
