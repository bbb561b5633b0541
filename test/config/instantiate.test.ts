import { expect } from 'chai';
import { checkTargets, type InstantiateCall, instantiate, Registry } from '../../src/config/index.js';
import { SluiceError } from '../../src/errors.js';

/** Registers a function that gives back what it was called with. */
const echo =
  async () =>
  (options: object, ...args: unknown[]) => ({ options, args });
const any = { a: {}, b: {}, c: {}, inner: {} };

const registry = new Registry<unknown>(
  'thing',
  {
    echo: { load: echo, options: any },
    strict: { load: echo, options: { size: { type: 'integer', minimum: 1 } }, required: ['size'] },
    fails: {
      load: async () => () => {
        throw new RangeError('too small');
      },
      options: {},
    },
    refuses: {
      load: async () => () => {
        throw new SluiceError('data.no_rows', 'nothing there', { hint: 'add rows' });
      },
      options: {},
    },
  },
  {},
  { 'package.Echo': 'echo' },
);

const made = (options: object, ...args: unknown[]) => ({ options, args });

describe('instantiate', () => {
  const rows: [name: string, config: unknown, expected: unknown, call?: InstantiateCall][] = [
    ['hands over the other keys as one object', { _target_: 'echo', a: 1, b: 'x' }, made({ a: 1, b: 'x' })],
    ['takes another spelling of a name', { _target_: 'package.Echo', a: 1 }, made({ a: 1 })],
    ['puts _args_ behind the options', { _target_: 'echo', a: 1, _args_: [2, [3]] }, made({ a: 1 }, 2, [3])],
    ['lets given arguments replace _args_', { _target_: 'echo', _args_: [1] }, made({}, 9), { args: [9] }],
    [
      'lets given keywords override',
      { _target_: 'echo', a: 1 },
      made({ a: 2, b: 3 }),
      { keywords: { a: 2, b: 3 } },
    ],
    [
      'merges keywords into mappings and replaces lists',
      { _target_: 'echo', a: { x: 1, y: 2 }, b: [1, 2] },
      made({ a: { x: 1, y: 9 }, b: [3] }),
      { keywords: { a: { y: 9 }, b: [3] } },
    ],
    [
      'makes nested targets first, in mappings and lists too',
      {
        _target_: 'echo',
        a: { _target_: 'echo', b: 1 },
        b: [{ _target_: 'echo' }],
        c: { inner: { _target_: 'echo' } },
      },
      made({ a: made({ b: 1 }), b: [made({})], c: { inner: made({}) } }),
    ],
    [
      'makes nested targets that keywords bring',
      { _target_: 'echo' },
      made({ a: made({ b: 1 }) }),
      { keywords: { a: { _target_: 'echo', b: 1 } } },
    ],
    ['makes targets in _args_', { _target_: 'echo', _args_: [{ _target_: 'echo' }] }, made({}, made({}))],
    [
      'hands nested targets over as data with _recursive_: false',
      { _target_: 'echo', _recursive_: false, a: { _target_: 'echo' } },
      made({ a: { _target_: 'echo' } }),
    ],
    [
      'takes _recursive_ among the keywords',
      { _target_: 'echo', a: { _target_: 'echo' } },
      made({ a: { _target_: 'echo' } }),
      { keywords: { _recursive_: false } },
    ],
    [
      'inherits _recursive_ through a mapping, whose own targets are made all the same',
      { _recursive_: false, x: { _target_: 'echo', a: { _target_: 'echo' } } },
      { x: made({ a: { _target_: 'echo' } }) },
    ],
    [
      'gives a mapping of what its targets make',
      { x: { _target_: 'echo' }, y: null, z: 1 },
      { x: made({}), y: null, z: 1 },
    ],
    ['gives a list of what its targets make', [{ _target_: 'echo' }, 2], [made({}), 2]],
    ['gives null for null', null, null],
    ...['none', 'partial', 'object', 'all'].map((mode): [string, unknown, unknown] => [
      `hands plain data over with _convert_: ${mode}`,
      { _target_: 'echo', _convert_: mode, a: { x: [1] } },
      made({ a: { x: [1] } }),
    ]),
  ];
  for (const [name, config, expected, call] of rows) {
    it(name, async () => {
      expect(await instantiate(config, registry, call)).to.deep.equal(expected);
    });
  }

  it('makes a function of what is partial, to which options and arguments can be added', async () => {
    const partial = await instantiate<unknown, (options?: object, ...args: unknown[]) => unknown>(
      { _target_: 'echo', _partial_: true, a: 1, b: 1, _args_: [1] },
      registry,
    );
    expect(partial()).to.deep.equal(made({ a: 1, b: 1 }, 1));
    expect(partial({ b: 2 }, 5)).to.deep.equal(made({ a: 1, b: 2 }, 1, 5));
  });

  it('leaves the config as it was, whatever a target does to its options', async () => {
    const spoiling = new Registry<unknown>('thing', {
      spoil: { load: async () => (options: { a: number[] }) => options.a.push(1), options: { a: {} } },
    });
    for (const _recursive_ of [true, false]) {
      const config = { _target_: 'spoil', _recursive_, a: [0] };
      await instantiate(config, spoiling);
      expect(config.a).to.deep.equal([0]);
    }
  });

  it('does not make instances anew that come as keywords', async () => {
    const instance = new Map([['_target_', 'echo']]);
    expect(await instantiate({ _target_: 'echo' }, registry, { keywords: { a: instance } })).to.deep.equal(
      made({ a: instance }),
    );
  });

  const failures: [name: string, config: unknown, message: string, hint?: string][] = [
    [
      'a name nobody registered',
      { _target_: 'ecko' },
      'thing._target_: there is no thing ecko',
      'did you mean echo?',
    ],
    [
      'a path into a module',
      { _target_: 'torch.optim.Adam' },
      'thing._target_: torch.optim.Adam is a path into a module; a config can only name what is registered',
      'register it in stages/plugins.ts (docs/adding-a-plugin.md), or use echo, strict, fails, refuses',
    ],
    ...['__proto__', 'constructor', 'toString'].map((name): [string, unknown, string, string] => [
      `${name} as a name`,
      { _target_: name },
      `thing._target_: there is no thing ${name}`,
      'there are echo, strict, fails, refuses',
    ]),
    ['a target that is no text', { _target_: 3 }, 'thing._target_: expected a registered name, got 3'],
    [
      'a nested name nobody registered',
      { _target_: 'echo', a: [{ _target_: 'no' }] },
      'thing.a[0]._target_: there is no thing no',
    ],
    [
      'an option it does not take',
      { _target_: 'echo', aa: 1 },
      'thing.aa: echo has no such option',
      'did you mean a?',
    ],
    ['an option it needs', { _target_: 'strict' }, 'thing.size: missing; strict needs it'],
    [
      '_args_ that are no list',
      { _target_: 'echo', _args_: 'abc' },
      'thing._args_: expected a list, got "abc"',
    ],
    [
      '_partial_ that is no flag',
      { _target_: 'echo', _partial_: 'yes' },
      'thing._partial_: expected true or false, got "yes"',
    ],
    [
      '_recursive_ that is no flag',
      { _target_: 'echo', _recursive_: 1 },
      'thing._recursive_: expected true or false, got 1',
    ],
    [
      'an unknown _convert_',
      { _target_: 'echo', _convert_: 'some' },
      'thing._convert_: expected one of none, partial, object, all, got "some"',
    ],
    ['a value that is no node', 'echo', 'thing: expected a mapping with _target_, got string'],
    ['a target that fails', { _target_: 'fails' }, 'thing: fails failed: too small'],
  ];
  for (const [name, config, message, hint] of failures) {
    it(`refuses ${name}, and says where`, async () => {
      const originOf = (path: string) => (path === 'thing' ? 'configs/x.yaml:3:1' : undefined);
      const error = (await instantiate(config, registry, { path: 'thing', originOf }).catch(
        (thrown: SluiceError) => thrown,
      )) as SluiceError;
      expect(error).to.be.instanceOf(SluiceError).and.include({ code: 'config.instantiate', message });
      if (hint !== undefined) expect(error.hint).to.equal(hint);
      if (!/\.a\[0\]/.test(message)) expect(error.where).to.equal('configs/x.yaml:3:1');
    });
  }

  it('keeps the code and hint of an error of ours that a target throws', async () => {
    const originOf = () => 'override x';
    const error = await instantiate({ _target_: 'refuses' }, registry, { originOf }).catch(
      (thrown: SluiceError) => thrown,
    );
    expect(error).to.include({ code: 'data.no_rows', hint: 'add rows', where: 'override x' });
  });
});

describe('checking targets before they are made', () => {
  const rows: [name: string, value: unknown, problems: string[]][] = [
    ['finds nothing in what is right', { _target_: 'strict', size: 2, _convert_: 'all' }, []],
    ['finds nothing in null', null, []],
    ['finds nothing in mappings and lists of what is right', { x: [{ _target_: 'echo' }], y: null }, []],
    [
      'finds all that is wrong at once',
      { x: { _target_: 'strict', sise: 1 }, y: [{ _target_: 'gone' }] },
      [
        'slot.x.size: missing; expected an integer',
        'slot.x.sise: unknown key',
        'slot.y[0]._target_: there is no thing gone',
      ],
    ],
    [
      'finds an option of the wrong kind',
      { _target_: 'strict', size: 0 },
      ['slot.size: expected at least 1, got 0'],
    ],
    [
      'finds nested targets',
      { _target_: 'echo', a: { _target_: 'gone' } },
      ['slot.a._target_: there is no thing gone'],
    ],
    [
      'finds targets in _args_',
      { _target_: 'echo', _args_: [{ _target_: 'gone' }] },
      ['slot._args_[0]._target_: there is no thing gone'],
    ],
    [
      'leaves data alone in a mapping that says so',
      { _recursive_: false, x: { _target_: 'echo', a: { _target_: 'gone' } } },
      [],
    ],
    ['leaves data alone', { _target_: 'echo', _recursive_: false, a: { _target_: 'gone' } }, []],
    ['takes a text for a name', 'gone', ['slot: there is no thing gone']],
    [
      'finds a partial thing where a whole one is due',
      { _target_: 'echo', _partial_: true },
      ['slot._partial_: expected a whole thing, not a part of one'],
    ],
  ];
  for (const [name, value, problems] of rows) {
    it(name, async () => {
      const found = await checkTargets(value, 'slot', registry, (path) => `at ${path}`);
      expect(found.map(({ path, message }) => `${path}: ${message}`)).to.have.members(problems);
      for (const { where } of found) expect(where).to.match(/^at slot/);
    });
  }
});

describe('a registry', () => {
  const entry = { load: echo, options: {} };
  for (const [name, message] of [
    ['echo', /the thing name echo is built in/],
    ['a.b', /the thing name a\.b is no name/],
    ['__proto__', /the thing name __proto__ is no name/],
    ['constructor', /the thing name constructor is no name/],
  ] as const) {
    it(`refuses ${name} as the name of something new`, () => {
      const own = Object.fromEntries([[name, entry]]);
      expect(() => new Registry('thing', { echo: entry }, own))
        .to.throw(SluiceError, message)
        .with.property('code', 'config.plugin');
    });
  }
});
