import { expect } from 'chai';
import { parseOverride, toYaml } from '../../src/config/index.js';
import { builtInResolvers } from '../../src/config/interpolation/built-in-resolvers.js';
import { Resolution } from '../../src/config/interpolation/evaluate.js';
import { keyElement, valueText } from '../../src/config/override/parse.js';
import { fromPlain, toPlain } from '../../src/config/python-value.js';
import { generator } from '../../src/config/sweep/random.js';
import { rawValue } from '../../src/config/tree/node.js';
import { loadYaml } from '../../src/config/yaml/construct.js';
import { emitYaml } from '../../src/config/yaml/emit.js';
import { SluiceError } from '../../src/errors.js';

// SLUICE_FUZZ=100000 runs that many cases per test; the default keeps the suite quick.
const CASES = Number(process.env.SLUICE_FUZZ ?? 1500);
const LIMIT_MS = 2000; // processor time of one case; none of the generated ones needs a hundredth of it

/** Processor time of this process in ms: unlike the clock it does not run while others have the processor. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

class Random {
  private readonly next: () => number;
  constructor(seed: number) {
    this.next = generator(seed);
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!;
  }

  repeat(most: number, make: () => string, separator = ''): string {
    return Array.from({ length: this.below(most + 1) }, make).join(separator);
  }
}

const WORDS = [
  'a',
  'b.c',
  'lr',
  '__proto__',
  'constructor',
  'x-y',
  '$z',
  '0',
  'null',
  'true',
  '1e-3',
  '007',
  '-5',
  '${a}',
  '${b.c}',
  '\\,',
  ' ',
  '???',
  'ü',
  'nan',
];
const FUNCTIONS = [
  'int',
  'float',
  'str',
  'bool',
  'json_str',
  'choice',
  'range',
  'interval',
  'glob',
  'sort',
  'shuffle',
  'tag',
  'extend_list',
  'nope',
];
const PIECES = [
  '=',
  '+',
  '~',
  '@',
  '/',
  ':',
  ',',
  '[',
  ']',
  '{',
  '}',
  '(',
  ')',
  "'",
  '"',
  '\\',
  '$',
  '${',
  '\n',
  '\t',
  ' ',
  '#',
  '- ',
  '? ',
  '&x ',
  '*x',
  '!!',
  '!!int ',
  '|',
  '>',
  '%',
  '<<: ',
  '---',
  '...',
  '.',
  '..',
  'oc.env:',
  'oc.select:',
  'oc.create:',
  'oc.decode:',
  'oc.dict.values:',
  ...WORDS,
];

function value(random: Random, depth: number): string {
  const kind = random.below(depth > 3 ? 2 : 6);
  if (kind === 0) return random.pick(WORDS);
  if (kind === 1) return random.pick(["'q, r'", '"s\\"t"', "''", '"\\\\"']);
  const inner = () => value(random, depth + 1);
  if (kind === 2) return `[${random.repeat(3, inner, ',')}]`;
  if (kind === 3) return `{${random.repeat(3, () => `${random.pick(WORDS)}:${inner()}`, ',')}}`;
  if (kind === 4) return `${random.pick(FUNCTIONS)}(${random.repeat(3, inner, ',')})`;
  return `${inner()},${inner()}`;
}

function noise(random: Random): string {
  return random.repeat(14, () => random.pick(PIECES));
}

/** Runs a case; anything but success or a SluiceError is a crash, and so is taking long. */
function attempt(input: string, run: () => void): void {
  const started = processorTime();
  try {
    run();
  } catch (error) {
    if (!(error instanceof SluiceError))
      throw new Error(`crash on ${JSON.stringify(input)}: ${(error as Error).stack}`);
  }
  const took = processorTime() - started;
  if (took > LIMIT_MS) throw new Error(`${took.toFixed(0)} ms on ${JSON.stringify(input)}`);
}

describe('whatever the input', () => {
  afterEach(() => {
    expect(Object.keys(Object.prototype)).to.deep.equal([]);
    expect(({} as Record<string, unknown>).c).to.equal(undefined);
  });

  it('overrides parse or are refused, and print what parses back', function () {
    this.timeout(600_000);
    const random = new Random(1);
    for (let index = 0; index < CASES; index++) {
      const prefix = random.pick(['', '+', '++', '~', '']);
      const input =
        index % 2 ? `${prefix}${random.pick(['a', 'a.b', 'g/h', 'a@p'])}=${value(random, 0)}` : noise(random);
      attempt(input, () => {
        const override = parseOverride(input);
        if (override.valueType !== 'element' || override.type === 'extend' || /json_str|\\"/.test(input))
          return;
        const printed = `${keyElement(override)}=${valueText(override)}`;
        const again = parseOverride(printed);
        expect(keyElement(again)).to.equal(keyElement(override));
      });
    }
  });

  it('YAML loads or is refused', function () {
    this.timeout(600_000);
    const random = new Random(2);
    for (let index = 0; index < CASES; index++) {
      const text =
        index % 2 ? random.repeat(5, () => `${random.pick(WORDS)}: ${noise(random)}\n`) : noise(random);
      attempt(text, () => {
        loadYaml(text, 'fuzz');
      });
    }
  });

  it('data that is written reads back as it was', function () {
    this.timeout(600_000);
    const random = new Random(3);
    const data = (depth: number): unknown => {
      const kind = random.below(depth > 3 ? 4 : 6);
      if (kind === 0) return random.pick([null, true, false, 0, -7, 1.5, 1e-9, 123456]);
      if (kind <= 3) return random.repeat(6, () => random.pick([...PIECES, 'word ', 'long word ', '  ']));
      if (kind === 4) return Array.from({ length: random.below(4) }, () => data(depth + 1));
      return Object.fromEntries(
        Array.from({ length: random.below(4) }, () => [noise(random) || 'k', data(depth + 1)]),
      );
    };
    for (let index = 0; index < CASES; index++) {
      const original = { key: data(0) };
      const text = toYaml(original);
      const back = (() => {
        try {
          return toPlain(rawValue(loadYaml(text, 'fuzz')));
        } catch (error) {
          // Text with a broken interpolation is data to the writer and a mistake to the reader.
          if (error instanceof SluiceError && error.code === 'config.grammar') return original;
          throw new Error(`${(error as Error).message} in ${JSON.stringify(text)}`);
        }
      })();
      expect(back, JSON.stringify(text)).to.deep.equal(original);
    }
  });

  it('interpolations resolve or are refused', function () {
    this.timeout(600_000);
    const random = new Random(4);
    const resolvers = builtInResolvers({ V: '${a}', W: '[1, x]' }, new Date(0), () => undefined);
    for (let index = 0; index < CASES; index++) {
      const inside = () =>
        random.repeat(4, () =>
          random.pick([
            'a',
            'b',
            '.',
            '..',
            '[0]',
            ':',
            ',',
            'oc.env:V',
            'oc.decode:',
            'oc.create:',
            'oc.select:',
            "'",
            '"',
            '{',
            '}',
            '${a}',
            '${b}',
            '${',
            ' ',
            '\\',
          ]),
        );
      const entry = () => (index % 2 ? `\${${inside()}}` : noise(random));
      const yaml = emitYaml(fromPlain({ a: entry(), b: { c: entry(), d: [entry(), 1] }, e: 'x' }));
      attempt(yaml, () => {
        new Resolution(resolvers).value(loadYaml(yaml, 'fuzz'));
      });
    }
  });
});

describe('input without measure', () => {
  const lines = (count: number, line: (index: number) => string) =>
    Array.from({ length: count }, (_, index) => line(index)).join('\n');
  const resolve = (yaml: string) =>
    new Resolution(builtInResolvers({}, new Date(0), () => undefined)).value(loadYaml(yaml, 'f.yaml'));
  const rows: [what: string, message: RegExp, run: () => unknown][] = [
    ['brackets in an override', /deeper than 256 levels/, () => parseOverride(`a=${'['.repeat(100_000)}`)],
    ['calls in an override', /deeper than 256 levels/, () => parseOverride(`a=${'int('.repeat(50_000)}`)],
    ['open interpolations in an override', /expected/, () => parseOverride(`a=${'${'.repeat(50_000)}`)],
    ['a sorted range', /more than 1000000 elements/, () => parseOverride('a=sort(range(1,0,-1e-300))')],
    ['YAML brackets', /deeper than 512 levels/, () => loadYaml('['.repeat(100_000), 'f.yaml')],
    ['YAML indentation', /deeper than 512 levels/, () => loadYaml('- '.repeat(100_000), 'f.yaml')],
    [
      'aliases of aliases',
      /aliases expand the document to \d+ nodes, more than the limit of 10000/,
      () => loadYaml(`- &a0 x\n${lines(30, (i) => `- &a${i + 1} [*a${i}, *a${i}]`)}`, 'f.yaml'),
    ],
    [
      'merges of merges',
      /aliases expand the document/,
      () =>
        loadYaml(`a: &a0 {k: 1}\n${lines(30, (i) => `b${i}: &a${i + 1} {<<: [*a${i}, *a${i}]}`)}`, 'f.yaml'),
    ],
    ['an alias of itself', /recursive aliases are not supported/, () => loadYaml('a: &a [*a]\n', 'f.yaml')],
    ['open interpolations', /deeper than 256 levels/, () => resolve(`a: "${'${'.repeat(20_000)}"`)],
    ['decoded brackets', /deeper than 256 levels/, () => resolve(`a: \${oc.decode:'${'['.repeat(20_000)}'}`)],
    [
      'a chain of references',
      /deeper than 400 levels/,
      () => resolve(`${lines(2000, (i) => `a${i}: \${a${i + 1}}`)}\na2000: 1`),
    ],
    [
      'references that double',
      /more than 2000000 values/,
      () => resolve(`a0: [1]\n${lines(40, (i) => `a${i + 1}: ["\${a${i}}","\${a${i}}"]`)}`),
    ],
    [
      'texts that double',
      /too much text/,
      () => resolve(`a0: ${'x'.repeat(1000)}\n${lines(40, (i) => `a${i + 1}: "\${a${i}}\${a${i}}"`)}`),
    ],
    ['a mapping of its own values', /refer to each other/, () => resolve("a: {x: '${oc.dict.values:a}'}\n")],
  ];
  for (const [what, message, run] of rows) {
    it(`ends with a short message: ${what}`, () => {
      const started = processorTime();
      let error: unknown;
      try {
        run();
      } catch (thrown) {
        error = thrown;
      }
      expect(error).to.be.instanceOf(SluiceError);
      expect((error as SluiceError).message).to.match(message);
      expect((error as SluiceError).message.length).to.be.lessThan(600);
      expect(processorTime() - started).to.be.lessThan(3 * LIMIT_MS);
    });
  }
});
