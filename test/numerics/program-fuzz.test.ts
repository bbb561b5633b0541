import { expect } from 'chai';
import type { NativeProgram, NativeSession } from '../../src/engine/addon.js';
import { type Dtype, dtypeBytes, elementCount, typedArray } from '../../src/graph/index.js';
import { opList } from '../../src/graph/op-list.js';
import { builtEngine } from './native-run.js';
import { numericRows } from './rows/index.js';
import { forwardProgram, gradientProgram } from './trace-row.js';

// SLUICE_FUZZ=100000 runs that many cases; the default keeps the suite quick.
const cases = Number(process.env.SLUICE_FUZZ ?? 300);

/** Numbers of a seed, the same in every run. */
function numbersOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return ((state ^ (state >>> 13)) >>> 0) % below;
  };
}

type Draw = (below: number) => number;

const numbers = [
  '0',
  '1',
  '2',
  '3',
  '64',
  '128',
  '-1',
  '7',
  '1000000',
  '2147483648',
  '4611686018427387904',
  '1e300',
  'NaN',
  '',
];

/** Changes of a program's text, from a letter to a line. */
const mutations: readonly ((text: string, draw: Draw) => string)[] = [
  (text, draw) => replaceOne(text, /-?\d+(\.\d+)?/g, draw, () => numbers[draw(numbers.length)]!),
  (text, draw) => replaceOne(text, /-?\d+/g, draw, (found) => String(Number(found) + draw(5) - 2)),
  (text, draw) =>
    replaceOne(text, /\b(f32|bf16|i32|u8)\b/g, draw, () => ['f32', 'bf16', 'i32', 'u8'][draw(4)]!),
  (text, draw) =>
    replaceOne(text, /(?<=^op )\w+/gm, draw, () => Object.keys(opList)[draw(Object.keys(opList).length)]!),
  (text, draw) => replaceOne(text, /^.*$/gm, draw, () => ''),
  (text, draw) => replaceOne(text, /^.*$/gm, draw, (line) => `${line}\n${line}`),
  (text, draw) => replaceOne(text, /[^\n]/g, draw, () => String.fromCharCode(32 + draw(95))),
  (text, draw) => text.slice(0, draw(text.length)),
  (text, draw) => {
    const lines = text.split('\n');
    const [a, b] = [draw(lines.length), draw(lines.length)];
    [lines[a], lines[b]] = [lines[b]!, lines[a]!];
    return lines.join('\n');
  },
];

function replaceOne(text: string, pattern: RegExp, draw: Draw, change: (found: string) => string): string {
  const places = [...text.matchAll(pattern)];
  if (places.length === 0) return text;
  const { 0: found, index } = places[draw(places.length)]!;
  return text.slice(0, index) + change(found) + text.slice(index + found.length);
}

describe('programs with random mistakes', () => {
  it(`are refused, fail with an error or run, ${cases} of them, and never take the process down`, async function () {
    const engine = await builtEngine();
    if (!engine) return this.skip(); // the native engine is not built
    this.timeout(20_000 + 20 * cases);
    const texts = numericRows
      .flatMap((row) => [
        forwardProgram(row, 2),
        ...(row.gradient.length > 0 ? [gradientProgram(row, 2)] : []),
      ])
      .map(({ program }) => program.text)
      .filter(({ length }) => length < 5000);
    const counts = { refused: 0, failed: 0, ran: 0 };
    for (let seed = 0; seed < cases; seed++) {
      const draw = numbersOf(seed);
      let text = texts[draw(texts.length)]!;
      for (let i = draw(3); i >= 0; i--) text = mutations[draw(mutations.length)]!(text, draw);
      counts[await outcome(new engine.addon.Session({ device: 'cpu', threads: 2 }), text, draw)]++;
    }
    // what is counted here would be empty where every text were refused at its first line
    expect(counts.refused).to.be.greaterThan(cases / 10);
    expect(counts.ran).to.be.greaterThan(cases / 20);
  });
});

async function outcome(
  session: NativeSession,
  text: string,
  draw: Draw,
): Promise<'refused' | 'failed' | 'ran'> {
  try {
    let program: NativeProgram;
    try {
      program = session.load(text);
    } catch (error) {
      expect(error).to.be.instanceOf(Error).with.property('message').that.is.not.empty;
      return 'refused';
    }
    if (session.bytes().arena > 1 << 24) return 'refused'; // sound, but more than a test should touch
    const inputs: Record<string, ArrayBufferView> = {};
    for (const [, place, name, dtype, shape] of text.matchAll(
      /^ *value *\d+ *(input|state) *"([^"]*)" *(f32|bf16|i32|u8) *\[([\d,]*)\]/gm,
    )) {
      const sizes = shape ? shape.split(',').map(Number) : [];
      if (elementCount(sizes) > 1 << 20) return 'refused';
      const data = randomData(dtype as Dtype, elementCount(sizes), draw);
      if (place === 'state') session.setState(name!, dtype!, sizes, data);
      else inputs[name!] = data;
    }
    try {
      await program.run(inputs);
      return 'ran';
    } catch (error) {
      expect(error).to.be.instanceOf(Error).with.property('message').that.is.not.empty;
      return 'failed';
    }
  } finally {
    session.close();
  }
}

/** Whole numbers around what an index may be, floats of every kind. */
function randomData(dtype: Dtype, count: number, draw: Draw) {
  const data = typedArray(dtype, new ArrayBuffer(count * dtypeBytes(dtype)));
  const wild = draw(2) === 0;
  for (let i = 0; i < count; i++) {
    if (dtype === 'bf16') data[i] = draw(65536);
    else if (wild && draw(8) === 0) data[i] = [-1, 2147483647, -2147483648, 1e38, NaN, Infinity][draw(6)]!;
    else data[i] = dtype === 'f32' ? draw(2000) / 1000 - 1 : draw(4);
  }
  return data;
}
