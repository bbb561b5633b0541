import { SluiceError } from '../errors.js';
import { type Dtype, isDtype } from './dtype.js';
import { type AttributeValue, opRows } from './op-definition.js';
import { type OpName, opList } from './op-list.js';
import { completeProgram, type Program, type ProgramOp, type ProgramValue } from './program.js';
import { programHeader } from './text.js';

const valueLine = /^value (\d+) (state|input|const|temp|alias) (.*)$/;
const namedValue = /^("(?:[^"\\]|\\.)*") (\w+) \[([\d,]*)\]$/;
const placedValue = /^@?(\d+) (\w+) \[([\d,]*)\]$/;
const constValue = /^(\w+) \[([\d,]*)\] ?(.*)$/;
const outputLine = /^output ("(?:[^"\\]|\\.)*") (\d+)$/;
const opLine =
  /^op (\w+) \(([\d,_]*)\) -> \(([\d,_]*)\) \{(.*)\}(?: scratch @(\d+)\+(\d+))? ("(?:[^"\\]|\\.)*")$/;
const attribute = /(\w+)=("(?:[^"\\]|\\.)*"|\[[^\]]*\]|[^ ]+)/g;

/** Reads the text form back. Throws `graph.program` with the line. */
export function parseProgram(text: string): Program {
  const lines = text.split('\n').map((line, index) => ({ line, number: index + 1 }));
  const written = lines.filter(({ line }) => line !== '' && !line.startsWith('#'));
  const [header, threads, arena, ...body] = written;
  const independentRows = body[0]?.line === 'rows independent';
  const rest = independentRows ? body.slice(1) : body;
  if (header?.line !== programHeader) fail(header, `a program starts with "${programHeader}"`);
  const values: ProgramValue[] = [];
  const outputs: { name: string; value: number }[] = [];
  const ops: ProgramOp[] = [];
  for (const at of rest) {
    const [value, output, op] = [valueLine.exec(at.line), outputLine.exec(at.line), opLine.exec(at.line)];
    if (value) {
      if (Number(value[1]) !== values.length) fail(at, `the next value is ${values.length}`);
      values.push(parseValue(at, value[2]!, value[3]!));
    } else if (output) {
      outputs.push({ name: JSON.parse(output[1]!), value: Number(output[2]) });
    } else if (op) {
      ops.push(parseOp(at, op));
    } else {
      fail(at, 'neither a value nor an output nor an op');
    }
  }
  return completeProgram({
    threads: headerNumber(threads, 'threads'),
    arenaBytes: headerNumber(arena, 'arena'),
    independentRows,
    values,
    outputs,
    ops,
  });
}

interface Line {
  readonly line: string;
  readonly number: number;
}

function fail(at: Line | undefined, reason: string): never {
  const where = at ? `program line ${at.number}` : 'program';
  throw new SluiceError('graph.program', `${where}: ${reason}: ${at?.line ?? 'the text ends'}`, { where });
}

function headerNumber(at: Line | undefined, name: string): number {
  const match = /^(\w+) (\d+)$/.exec(at?.line ?? '');
  return match?.[1] === name ? Number(match[2]) : fail(at, `expected ${name} and a number`);
}

function parseValue(at: Line, kind: string, rest: string): ProgramValue {
  if (kind === 'const') {
    const match = constValue.exec(rest) ?? fail(at, 'not a constant');
    const values = match[3] ? match[3].split(' ').map(parseNumber) : [];
    return { kind, values, ...parseType(at, match[1]!, match[2]!) };
  }
  if (kind === 'state' || kind === 'input') {
    const match = namedValue.exec(rest) ?? fail(at, `not a ${kind}`);
    return { kind, name: JSON.parse(match[1]!), ...parseType(at, match[2]!, match[3]!) };
  }
  const match = placedValue.exec(rest) ?? fail(at, `not a ${kind}`);
  const type = parseType(at, match[2]!, match[3]!);
  return kind === 'temp'
    ? { kind, offset: Number(match[1]), ...type }
    : { kind: 'alias', base: Number(match[1]), ...type };
}

function parseType(at: Line, dtype: string, shape: string): { dtype: Dtype; shape: number[] } {
  if (!isDtype(dtype)) return fail(at, `there is no dtype ${dtype}`);
  return { dtype, shape: shape === '' ? [] : shape.split(',').map(Number) };
}

function parseOp(at: Line, match: RegExpExecArray): ProgramOp {
  const [, op, inputs, outputs, settings, offset, bytes, scope] = match as unknown as string[];
  if (!Object.hasOwn(opList, op!)) fail(at, `there is no op ${op}`);
  const types = opRows[op as OpName].attributes;
  const attributes: Record<string, AttributeValue> = {};
  for (const [, name, value] of settings!.matchAll(attribute)) {
    const type = types[name!] ?? fail(at, `${op} has no attribute ${name}`);
    attributes[name!] = parseAttribute(type, value!);
  }
  return {
    op: op as OpName,
    inputs: parseIds(inputs!),
    outputs: parseIds(outputs!),
    attributes,
    scratch: offset === undefined ? null : { offset: Number(offset), bytes: Number(bytes) },
    scope: JSON.parse(scope!),
  };
}

const parseIds = (text: string) =>
  text === '' ? [] : text.split(',').map((id) => (id === '_' ? null : Number(id)));

function parseAttribute(type: string, text: string): AttributeValue {
  if (type === 'bool') return text === '1';
  if (type === 'string') return JSON.parse(text) as string;
  if (type === 'ints' || type === 'floats')
    return text === '[]' ? [] : text.slice(1, -1).split(',').map(parseNumber);
  return parseNumber(text);
}

function parseNumber(text: string): number {
  if (text === 'inf') return Infinity;
  if (text === '-inf') return -Infinity;
  return text === 'nan' ? NaN : Number(text);
}
