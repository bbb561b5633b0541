import { expect } from 'chai';
import { Float, fromPlain, type PyDict, toPlain } from '../../src/config/python-value.js';
import { rawValue } from '../../src/config/tree/node.js';
import { loadYaml } from '../../src/config/yaml/construct.js';
import { emitYaml } from '../../src/config/yaml/emit.js';
import { failureOf } from './fixture.js';

const load = (text: string): unknown => toPlain(rawValue(loadYaml(text, 'test.yaml')));

describe('the YAML reader', () => {
  const scalars: [text: string, value: unknown][] = [
    ['1e-4', 0.0001],
    ['1e4', 10000],
    ['.5e1', '.5e1'],
    ['1_000', 1000],
    ['010', 8],
    ['0o10', '0o10'],
    ['0x1F', 31],
    ['0b101', 5],
    ['08', '08'],
    ['12:30:45', 45045],
    ['1:20:30.5', 4830.5],
    ['yes', true],
    ['Off', false],
    ['y', 'y'],
    ['~', null],
    ['2024-01-15', '2024-01-15'],
    ['.inf', Number.POSITIVE_INFINITY],
    ['nan', 'nan'],
    ["'1'", '1'],
    ['!!str 5', '5'],
    ["!!int '5'", 5],
    ['a#b', 'a#b'],
    ['a: b'.replace(': ', ':'), 'a:b'],
    ['"\\x41 \\u00e9\\n"', 'A é\n'],
    ["'it''s'", "it's"],
    ['[a, b, ]', ['a', 'b']],
    ['{b: 1, c: , d}', { b: 1, c: null, d: null }],
    ['[k: v]', [{ k: 'v' }]],
  ];
  for (const [text, value] of scalars) {
    it(`reads ${text}`, () => {
      expect(load(`key: ${text}\n`)).to.deep.equal({ key: value });
    });
  }

  const documents: [name: string, text: string, value: unknown][] = [
    ['nothing is an empty mapping', '', {}],
    ['a comment is an empty mapping', '# x\n', {}],
    ['one word is a key', 'word\n', { word: null }],
    ['a word may look like an interpolation', 'da:${\n', { 'da:${': null }],
    ['a document of one text is read once more', "'{a: 1}'\n", { a: 1 }],
    ['a directive may precede', '%YAML 1.1 # as all\n---\na: yes\n', { a: true }],
    [
      'block scalars keep, strip and fold',
      'a: |\n  x\n   y\nb: |-\n  z\nc: >\n  f\n  g\n\n  h\n',
      { a: 'x\n y\n', b: 'z', c: 'f g\nh\n' },
    ],
    ['plain text goes on over lines', 'a: b\n  c\n\n  d\n', { a: 'b c\nd' }],
    ['an alias is a copy', 'a: &x {k: 1}\nb: *x\n', { a: { k: 1 }, b: { k: 1 } }],
    [
      'merge keys lose against own keys',
      'a: &x {k: 1, l: 2}\nb: {<<: *x, k: 3}\n',
      { a: { k: 1, l: 2 }, b: { k: 3, l: 2 } },
    ],
    [
      'the first of several merge sources wins',
      'a: &x {k: 1}\nb: &y {k: 2, l: 3}\nc: {<<: [*x, *y]}\n',
      { a: { k: 1 }, b: { k: 2, l: 3 }, c: { k: 1, l: 3 } },
    ],
    ['sequences may be level with their key', 'a:\n- 1\n- - 2\n  - 3\n', { a: [1, [2, 3]] }],
    ['a key may be complex-styled', '? k\n: v\n', { k: 'v' }],
    [
      '__proto__ is a key like any other',
      '__proto__: {x: 1}\nconstructor: 2\n',
      JSON.parse('{"__proto__":{"x":1},"constructor":2}'),
    ],
  ];
  for (const [name, text, value] of documents) {
    it(name, () => {
      expect(load(text)).to.deep.equal(value);
    });
  }

  it('keeps keys of different types apart, except where the reference does not', () => {
    const dict = rawValue(loadYaml("1: a\n'1': b\n1.0: c\ntrue: d\n", 'test.yaml')) as PyDict;
    expect([...dict]).to.deep.equal([
      [1, 'd'],
      ['1', 'b'],
    ]);
  });

  const refused: [text: string, place: string][] = [
    ['a: 1\na: 2\n', 'test.yaml:2:1'],
    ['a: [1\n', 'test.yaml:2:1'],
    ['a: b: c\n', 'test.yaml:1:5'],
    ['a:\n\tb: 1\n', 'test.yaml:2:1'],
    ["a: 'x\n", 'test.yaml:1:4'],
    ['a: *nope\n', 'test.yaml:1:4'],
    ['a: &x [*x]\n', 'test.yaml:1:4'],
    ['a: !custom x\n', 'test.yaml:1:4'],
    ['a: 1\n---\nb: 2\n', 'test.yaml:2:1'],
    ['a: [1, ???]\n', 'test.yaml:1:9'],
    ['? [1, 2]\n: x\n', 'test.yaml:1:3'],
    ['a: x\u0007\n', 'test.yaml:1:5'],
  ];
  for (const [text, place] of refused) {
    it(`refuses ${JSON.stringify(text)} at its place`, () => {
      const error = failureOf(() => load(text));
      expect(error.code).to.equal('config.yaml');
      expect(error.where).to.equal(place);
    });
  }

  it('refuses an alias bomb', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level < 9; level++)
      lines.push(
        `a${level}: &a${level} [${Array(9)
          .fill(`*a${level - 1}`)
          .join(', ')}]`,
      );
    expect(failureOf(() => load(lines.join('\n'))).message).to.match(/aliases expand the document/);
  });

  it('refuses nesting that is too deep', () => {
    expect(failureOf(() => load('['.repeat(100_000))).code).to.equal('config.yaml');
  });
});

describe('the YAML writer', () => {
  const long = 'word '.repeat(30).trim();
  const rows: [name: string, value: unknown, text: string][] = [
    ['empty containers in flow style', { a: [], b: {} }, 'a: []\nb: {}\n'],
    ['sequences level with their key', { a: [1, [2, { b: 3 }]] }, 'a:\n- 1\n- - 2\n  - b: 3\n'],
    ['booleans and null', { a: true, b: null }, 'a: true\nb: null\n'],
    [
      'text that reads as something else in quotes',
      { a: 'true', b: '1', c: '1e3', d: 'n', e: 'null', f: '' },
      "a: 'true'\nb: '1'\nc: '1e3'\nd: 'n'\ne: 'null'\nf: ''\n",
    ],
    ['dates in quotes', { a: '2020-01-01' }, "a: '2020-01-01'\n"],
    ['keys by the same rule', { y: 1, '0': 2 }, "'0': 2\n'y': 1\n"],
    [
      'indicators in quotes',
      { a: '- x', b: 'k: v', c: '# x', d: 'a #b', e: '*x', f: 'a,b' },
      "a: '- x'\nb: 'k: v'\nc: '# x'\nd: 'a #b'\ne: '*x'\nf: a,b\n",
    ],
    ['line breaks in single quotes', { a: 'x\ny\n' }, "a: 'x\n\n  y\n\n  '\n"],
    ['control characters in double quotes', { a: 'x\ty\u0007' }, 'a: "x\\ty\\a"\n'],
    ['long text folded after column 80', { a: long }, `a: ${long.slice(0, 79)}\n  ${long.slice(80)}\n`],
    [
      'collections behind the colon of a long key',
      { 'k\n': { a: 1, b: [2] }, 'l\n': [1, 2] },
      "? 'k\n\n  '\n: a: 1\n  b:\n  - 2\n? 'l\n\n  '\n: - 1\n  - 2\n",
    ],
    ['unicode as it is', { a: 'é日😀' }, 'a: é日😀\n'],
  ];
  for (const [name, value, text] of rows) {
    it(`writes ${name}`, () => {
      expect(emitYaml(fromPlain(value))).to.equal(text);
      expect(load(text)).to.deep.equal(value);
    });
  }

  it('writes floats as floats', () => {
    const values = [1, 1e-7, 1e20, 0.1, Number.NaN, Number.NEGATIVE_INFINITY].map(
      (value) => new Float(value),
    );
    expect(emitYaml(values)).to.equal('- 1.0\n- 1.0e-07\n- 1.0e+20\n- 0.1\n- .nan\n- -.inf\n');
  });
});
