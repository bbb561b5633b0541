import { expect } from 'chai';
import { listOrigins, printOrigins, trackReads } from '../../src/config/index.js';
import { composeFiles } from './fixture.js';

const FILES = {
  'config.yaml': 'defaults:\n  - model: tiny\n  - _self_\nmodel:\n  width: 64\nlr: 0.1\n',
  'model/tiny.yaml': 'width: 32\nlayers: [1, {size: 2}]\n',
};

describe('origins', () => {
  it('name the file and line, or the override, of every value, and what it replaced', () => {
    const composed = composeFiles(FILES, ['lr=0.2', '+model.extra=1', 'lr=0.3']);
    expect(composed.origin('model.width')).to.deep.equal({
      where: 'config.yaml:5:10',
      replaced: [{ where: 'model/tiny.yaml:1:8', value: '32' }],
    });
    expect(composed.origin('lr')).to.deep.equal({
      where: 'override lr=0.3',
      replaced: [
        { where: 'override lr=0.2', value: '0.2' },
        { where: 'config.yaml:6:5', value: '0.1' },
      ],
    });
    expect(composed.origin('model.layers[1].size')?.where).to.equal('model/tiny.yaml:2:20');
    expect(composed.origin('model.extra')?.where).to.equal('override +model.extra=1');
    expect(composed.origin('nope')).to.equal(undefined);
    expect(composed.origin('model.layers.x')).to.equal(undefined);
  });

  it('are listed in config order', () => {
    const composed = composeFiles(FILES, ['lr=0.2']);
    expect(listOrigins(composed).map(({ path }) => path)).to.deep.equal([
      'model.width',
      'model.layers[0]',
      'model.layers[1].size',
      'lr',
    ]);
    expect(printOrigins(composed)).to.equal(
      'model.width: 64  # config.yaml:5:10, was 32 (model/tiny.yaml:1:8)\n' +
        'model.layers[0]: 1  # model/tiny.yaml:2:10\nmodel.layers[1].size: 2  # model/tiny.yaml:2:20\n' +
        'lr: 0.2  # override lr=0.2, was 0.1 (config.yaml:6:5)\n',
    );
  });
});

describe('the origin of', () => {
  const files = {
    'config.yaml':
      'defaults:\n  - base\n  - db: mysql\n  - _self_\nlr: 2\nlist: [1, 2]\nd: {a: 1}\nref: ${lr}\ndb: {port: 1}\n',
    'base.yaml': 'lr: 1\nx: 0\nd: {a: 0}\nlist: [9]\n',
    'db/mysql.yaml': 'port: 3306\nopts: {t: 1}\n',
    'db/postgres.yaml': 'port: 5432\n',
  };
  const lines = (overrides: string[], options = {}) =>
    printOrigins(composeFiles(files, overrides), options).trimEnd().split('\n');

  const table: [name: string, overrides: string[], line: string][] = [
    ['a value of a base config', [], 'lr: 2  # config.yaml:5:5, was 1 (base.yaml:1:5)'],
    ['a value of a group', [], 'db.port: 1  # config.yaml:9:12, was 3306 (db/mysql.yaml:1:7)'],
    ['another option', ['db=postgres'], 'db.port: 1  # config.yaml:9:12, was 5432 (db/postgres.yaml:1:7)'],
    [
      'overrides in turn',
      ['lr=3', '++lr=4'],
      'lr: 4  # override ++lr=4, was 3 (override lr=3), was 2 (config.yaml:5:5), was 1 (base.yaml:1:5)',
    ],
    [
      'a merged mapping',
      ['d={a:5}'],
      'd.a: 5  # override d={a:5}, was 1 (config.yaml:7:8), was 0 (base.yaml:3:8)',
    ],
    [
      'a replaced list',
      ['list=[7,8]'],
      'list[0]: 7  # override list=[7,8], was [1, 2] (config.yaml:6:7), was [9] (base.yaml:4:7)',
    ],
    ['the rest of a replaced list', ['list=[7,8]'], 'list[1]: 8  # override list=[7,8]'],
    [
      'an emptied list',
      ['list=[]'],
      'list: []  # override list=[], was [1, 2] (config.yaml:6:7), was [9] (base.yaml:4:7)',
    ],
    ['an item', ['list.1=5'], 'list[1]: 5  # override list.1=5, was 2 (config.yaml:6:11)'],
    ['an appended item', ['list=extend_list(3)'], 'list[2]: 3  # override list=extend_list(3)'],
    [
      'a key removed and added',
      ['~x', '+x=9'],
      'x: 9  # override +x=9, was removed (override ~x), was 0 (base.yaml:2:4)',
    ],
    [
      'a mapping set to a value',
      ['db.opts=null'],
      'db.opts: null  # override db.opts=null, was {t: 1} (db/mysql.yaml:2:7)',
    ],
    ['an interpolation', [], 'ref: ${lr}  # config.yaml:8:6'],
    ['an interpolation that went', ['ref=1'], 'ref: 1  # override ref=1, was ${lr} (config.yaml:8:6)'],
  ];
  for (const [name, overrides, line] of table) {
    it(`${name}: ${overrides.join(' ') || 'no override'}`, () => expect(lines(overrides)).to.include(line));
  }

  it('values that --package, --resolve and --cfg ask for', () => {
    expect(lines([], { package: 'db' })).to.deep.equal([
      'db.port: 1  # config.yaml:9:12, was 3306 (db/mysql.yaml:1:7)',
      'db.opts.t: 1  # db/mysql.yaml:2:11',
    ]);
    expect(lines(['lr=3'], { package: 'ref', resolve: true })).to.deep.equal(['ref: 3  # config.yaml:8:6']);
    const hydra = lines(['hydra.run.dir=here'], { part: 'hydra' });
    expect(hydra).to.include(
      'hydra.run.dir: here  # override hydra.run.dir=here, was outputs/${now:%Y-%m-%d}/${now:%H-%M-%S} ' +
        '(builtin://hydra/hydra/output/default.yaml)',
    );
    expect(lines([], { part: 'all' })).to.include.members(['x: 0  # base.yaml:2:4']);
    expect(() => lines([], { package: 'no' })).to.throw("there is no 'no' in the config");
  });
});

describe('trackReads', () => {
  it('lists what was never read, whole containers as one', () => {
    const { config, unread } = trackReads({
      a: 1,
      b: { c: 2, d: { e: 3, f: 4 } },
      g: [],
      h: [{ i: 1 }, { i: 2 }],
      j: null,
    });
    expect(unread()).to.deep.equal(['a', 'b', 'g', 'h', 'j']);
    expect(config.a + config.b.c).to.equal(3);
    expect(config.h[1]!.i).to.equal(2);
    expect(config.j).to.equal(null);
    expect(unread()).to.deep.equal(['b.d', 'g', 'h[0]']);
  });

  it('counts serialising and iterating as reading', () => {
    const { config, unread } = trackReads({ a: { b: 1, c: [1, 2] }, d: [3, 4], e: 5 });
    expect(JSON.stringify(config.a)).to.equal('{"b":1,"c":[1,2]}');
    expect([...config.d]).to.deep.equal([3, 4]);
    expect(unread()).to.deep.equal(['e']);
  });
});
