import { expect } from 'chai';
import { compose } from '../../src/config/index.js';
import { composeFiles, failureOf, withFiles } from './fixture.js';

const DB = {
  'db/mysql.yaml': 'driver: mysql\nport: 3306\n',
  'db/pgsql.yaml': 'driver: pgsql\nuser: root\n',
};
const BASE = { ...DB, 'config.yaml': 'defaults:\n  - db: mysql\n  - _self_\nlr: 0.1\n' };

describe('composition', () => {
  const rows: [rule: string, files: Record<string, string>, overrides: string[], config: unknown][] = [
    ['a group goes to its own package', BASE, [], { db: { driver: 'mysql', port: 3306 }, lr: 0.1 }],
    ['an option is chosen by name', BASE, ['db=pgsql'], { db: { driver: 'pgsql', user: 'root' }, lr: 0.1 }],
    ['a choice is deleted', BASE, ['~db'], { lr: 0.1 }],
    [
      'a group is added',
      { ...DB, 'config.yaml': 'x: 1\n' },
      ['+db=mysql'],
      { x: 1, db: { driver: 'mysql', port: 3306 } },
    ],
    [
      'a group is added elsewhere',
      BASE,
      ['+db@other.place=pgsql'],
      { db: { driver: 'mysql', port: 3306 }, lr: 0.1, other: { place: { driver: 'pgsql', user: 'root' } } },
    ],
    [
      'without _self_ the config comes last',
      { ...DB, 'config.yaml': 'defaults:\n  - db: mysql\ndb: {port: 1}\n' },
      [],
      { db: { driver: 'mysql', port: 1 } },
    ],
    [
      '_self_ first is overridden',
      { ...DB, 'config.yaml': 'defaults:\n  - _self_\n  - db: mysql\ndb: {port: 1}\n' },
      [],
      { db: { driver: 'mysql', port: 3306 } },
    ],
    [
      'several options merge in order',
      { ...DB, 'config.yaml': 'defaults:\n  - db: [pgsql, mysql]\n' },
      [],
      { db: { driver: 'mysql', user: 'root', port: 3306 } },
    ],
    [
      'a package header moves a file',
      { 'db/a.yaml': '# @package _global_.x\nk: 1\n', 'config.yaml': 'defaults:\n  - db: a\n' },
      [],
      { x: { k: 1 } },
    ],
    [
      '@_here_ stays with the parent',
      { 'g/a.yaml': 'defaults:\n  - /db@_here_: mysql\n', ...DB, 'config.yaml': 'defaults:\n  - g: a\n' },
      [],
      { g: { driver: 'mysql', port: 3306 } },
    ],
    [
      'an optional file may be missing',
      { ...DB, 'config.yaml': 'defaults:\n  - optional db: nope\n  - _self_\na: 1\n' },
      [],
      { a: 1 },
    ],
    [
      'an experiment overrides a choice',
      { ...BASE, 'exp/e.yaml': '# @package _global_\ndefaults:\n  - override /db: pgsql\nlr: 2\n' },
      ['+exp=e'],
      { db: { driver: 'pgsql', user: 'root' }, lr: 2 },
    ],
    [
      'the command line wins over an experiment',
      { ...BASE, 'exp/e.yaml': '# @package _global_\ndefaults:\n  - override /db: pgsql\n' },
      ['+exp=e', 'db=mysql'],
      { db: { driver: 'mysql', port: 3306 }, lr: 0.1 },
    ],
    [
      'an option with a slash is one of a group below',
      { 'db/big/x.yaml': 'a: 1\n', 'config.yaml': 'defaults:\n  - db: big/x\n' },
      [],
      { db: { big: { a: 1 } } },
    ],
    [
      'so is one that a choice completes',
      { ...DB, 'x/mysql/y.yaml': 'a: 1\n', 'config.yaml': 'defaults:\n  - db: mysql\n  - x: ${db}/y\n' },
      ['~db.driver'],
      { db: { port: 3306 }, x: { mysql: { a: 1 } } },
    ],
    [
      'an update through a reference changes a copy',
      { 'config.yaml': 'a: {x: 1, y: {z: 2}}\nb: ${c}\nc: ${a}\n' },
      ['b.y.z=3', '+b.n=4'],
      { a: { x: 1, y: { z: 2 } }, b: { x: 1, y: { z: 3 }, n: 4 }, c: { x: 1, y: { z: 2 } } },
    ],
    [
      'names of object members are options, packages and keys like any other',
      { 'db/__proto__.yaml': 'u: 1\n', 'db/toString.yaml': 'u: 2\n', 'config.yaml': 'valueOf: 0\n' },
      ['+db=__proto__', '+db@constructor=toString', 'valueOf=3'],
      { valueOf: 3, db: { u: 1 }, constructor: { u: 2 } },
    ],
    [
      'a choice may name another',
      { ...DB, 'x/mysql.yaml': 'a: 1\n', 'config.yaml': 'defaults:\n  - db: mysql\n  - x: ${db}\n' },
      [],
      { db: { driver: 'mysql', port: 3306 }, x: { a: 1 } },
    ],
    [
      'an option with a slash is an option of the inner group',
      { 'db/v/a.yaml': 'k: 1\n', 'config.yaml': 'defaults:\n  - db: v/a\n' },
      [],
      { db: { v: { k: 1 } } },
    ],
    ['a value is changed', BASE, ['db.port=1', 'lr=${db.port}'], { db: { driver: 'mysql', port: 1 }, lr: 1 }],
    [
      'a key is added',
      BASE,
      ['+a.b=[1,{c:d}]'],
      { db: { driver: 'mysql', port: 3306 }, lr: 0.1, a: { b: [1, { c: 'd' }] } },
    ],
    ['a mapping merges', BASE, ['db={port:5}'], { db: { driver: 'mysql', port: 5 }, lr: 0.1 }],
    ['a key is removed', BASE, ['~db.port', '~lr=0.1'], { db: { driver: 'mysql' } }],
    [
      'lists are replaced, indexed and extended',
      { 'config.yaml': 'l: [1, 2]\nm: [1]\nn: [1]\n' },
      ['l=[9]', 'm.0=5', 'n=extend_list(2,3)'],
      { l: [9], m: [5], n: [1, 2, 3] },
    ],
    [
      'prototype names are plain keys',
      { 'config.yaml': '__proto__: {a: 1}\n' },
      ['+constructor.prototype.x=1', '__proto__.a=2'],
      JSON.parse('{"__proto__":{"a":2},"constructor":{"prototype":{"x":1}}}'),
    ],
    [
      'merging onto an interpolation copies what it names',
      { 'b.yaml': 'd: ${o}\no: {z: 1}\n', 'config.yaml': 'defaults:\n  - b\n  - _self_\nd: {y: 1}\n' },
      [],
      { d: { z: 1, y: 1 }, o: { z: 1 } },
    ],
  ];
  for (const [rule, files, overrides, config] of rows) {
    it(rule, () => {
      const composed = composeFiles(files, overrides);
      expect(composed.config()).to.deep.equal(config);
      expect(({} as Record<string, unknown>).x).to.equal(undefined);
    });
  }

  const refused: [
    what: string,
    files: Record<string, string>,
    overrides: string[],
    message: string,
    where: string | undefined,
  ][] = [
    [
      'an unknown option',
      BASE,
      ['db=nope'],
      "In 'config': Could not find 'db/nope'\n\nAvailable options in 'db':\n\tmysql\n\tpgsql",
      'override db=nope',
    ],
    [
      'an unknown group',
      { 'config.yaml': 'a: 1\n' },
      ['db=x'],
      "Could not override 'db'.\nKey 'db' is not in struct.\nTo append to your config use +db=x",
      'override db=x',
    ],
    [
      'an override of nothing, whose options are shown as Python shows them',
      { ...DB, 'config.yaml': 'defaults:\n  - override db: [mysql, pgsql]\n' },
      [],
      "In 'config': Invalid Defaults List override 'db: ['mysql', 'pgsql']'.\nNo earlier Group Default for 'db' exists to override.",
      'config.yaml:2:5',
    ],
    [
      'two choices of a group',
      { ...DB, 'config.yaml': 'defaults:\n  - db: mysql\n  - db: null\n' },
      [],
      "Multiple values for db. To override a value use 'override db: None'",
      'config.yaml:2:5',
    ],
    [
      'an override before another entry',
      { ...BASE, 'config.yaml': 'defaults:\n  - db: mysql\n  - override db: null\n  - x: [a, b]\n' },
      [],
      "In config: Override 'db : None' is defined before 'x: ['a', 'b']'.\nOverrides must be at the end of the defaults list",
      'config.yaml:4:5',
    ],
    [
      'a choice of a group that is not in the list',
      { ...DB, 'config.yaml': 'a: 1\n' },
      ['db=mysql'],
      "Could not override 'db'. No match in the defaults list.\nTo append to your default list use +db=mysql",
      'override db=mysql',
    ],
    [
      'null for a group',
      BASE,
      ['db=null'],
      'Config group override must be a string or a list. Got NoneType',
      'override db=null',
    ],
    [
      'an unknown key',
      BASE,
      ['db.prt=1'],
      "Could not override 'db.prt'.\nKey 'prt' is not in struct.\nTo append to your config use +db.prt=1",
      'override db.prt=1',
    ],
    [
      'adding what is there',
      BASE,
      ['+lr=1'],
      "Could not append to config. An item is already at 'lr'.",
      'override +lr=1',
    ],
    ['a sweep in a single run', BASE, ['lr=1,2'], "Ambiguous value for argument 'lr=1,2'", 'override lr=1,2'],
    [
      'a list onto a mapping',
      BASE,
      ['db.x=1', 'db=[1]'].slice(1),
      'Config group override must be a string or a list',
      undefined,
    ],
    [
      'an undecided group',
      { ...DB, 'config.yaml': 'defaults:\n  - db: ???\n' },
      [],
      "You must specify 'db', e.g, db=<OPTION>\nAvailable options:\n\tmysql\n\tpgsql",
      'config.yaml:2:5',
    ],
    [
      'an override before its group',
      { ...DB, 'config.yaml': 'defaults:\n  - override db: mysql\n  - db: pgsql\n' },
      [],
      'Overrides must be at the end of the defaults list',
      'config.yaml:3:5',
    ],
    [
      'an unknown key of hydra',
      { 'config.yaml': 'hydra: {nope: 1}\n' },
      [],
      "Key 'nope' not in 'HydraConf'",
      'config.yaml:1:15',
    ],
    [
      'a wrong type in hydra',
      BASE,
      ['hydra.job.num=x'],
      "Value 'x' of type 'str' could not be converted to Integer",
      'override hydra.job.num=x',
    ],
    [
      'defaults lists that include each other',
      { 'config.yaml': 'defaults:\n  - a\n', 'a.yaml': 'defaults:\n  - b\n', 'b.yaml': 'defaults:\n  - a\n' },
      [],
      'the defaults lists include each other',
      undefined,
    ],
    [
      'a value to delete that is another',
      BASE,
      ['~lr=2'],
      "The value of 'lr' is 0.1 and not 2.",
      'override ~lr=2',
    ],
  ];
  for (const [what, files, overrides, message, where] of refused) {
    it(`refuses ${what}`, () => {
      const error = failureOf(() => composeFiles(files, overrides));
      expect(error.code).to.match(/^config\./);
      expect(error.exitCode).to.equal(2);
      if (what !== 'a list onto a mapping') expect(error.message).to.include(message);
      if (where !== undefined) expect(error.where).to.equal(where);
    });
  }

  it('suggests the nearest key', () => {
    expect(failureOf(() => composeFiles(BASE, ['db.prt=1'])).hint).to.equal("did you mean 'port'?");
    expect(failureOf(() => composeFiles(BASE, ['db=mysq'])).hint).to.equal('did you mean mysql?');
  });

  it('searches the folders of hydra.searchpath after its own', () => {
    const files = {
      'config.yaml': 'hydra:\n  searchpath: [file://more]\ndefaults:\n  - db: extra\n',
      'more/db/extra.yaml': 'k: 1\n',
      ...DB,
    };
    expect(composeFiles(files).config()).to.deep.equal({ db: { k: 1 } });
  });

  it('knows the built-in package on the search path, and warns of others', () => {
    const warnings: string[] = [];
    const warn = (text: string) => warnings.push(text);
    composeFiles(BASE, ['hydra.searchpath=[pkg://hydra.conf,pkg://nope.conf]'], { warn });
    expect(warnings).to.deep.equal([
      'provider=hydra.searchpath in command-line, path=pkg://nope.conf is not available.',
    ]);
    const error = failureOf(() => composeFiles(BASE, ['hydra.searchpath=[s3://bucket]']));
    expect(error.message).to.equal(
      'No config source registered for schema s3, supported types : [file, pkg]',
    );
  });

  it('warns of a search path that is not there', () => {
    const warnings: string[] = [];
    composeFiles({ 'config.yaml': 'hydra: {searchpath: [file://nope]}\n' }, [], {
      warn: (text) => warnings.push(text),
    });
    expect(warnings).to.have.length(1);
    expect(warnings[0]).to.match(/nope is not available/);
  });

  it('fills the hydra node', () => {
    const composed = composeFiles(BASE, ['lr=2', 'hydra.job.name=j', '+z=${lr}'], { env: { HOME: '/h' } });
    expect(composed.value('hydra.job')).to.include({
      name: 'j',
      config_name: 'config',
      override_dirname: '+z=${lr},lr=2',
    });
    expect(composed.overrides).to.deep.equal({ task: ['lr=2', '+z=${lr}'], hydra: ['hydra.job.name=j'] });
    expect(composed.choices).to.deep.equal({ db: 'mysql' });
    expect(composed.value('hydra.runtime.choices.db')).to.equal('mysql');
    expect(composed.value('hydra.mode')).to.equal('RUN');
  });

  it('keeps the hydra node out of the config, but within reach of ${hydra:…}', () => {
    const files = {
      ...BASE,
      'config.yaml': `${BASE['config.yaml']}a: \${hydra:job.name}/\${hydra:runtime.choices.db}\n`,
    };
    expect(composeFiles(files, [], { jobName: 'n' }).config().a).to.equal('n/mysql');
    expect(failureOf(() => composeFiles({ 'config.yaml': 'a: ${hydra.job.name}\n' })).code).to.equal(
      'config.interpolation_key',
    );
  });

  it('prints parts of the config', () => {
    const composed = composeFiles(BASE, ['lr=${db.port}']);
    expect(composed.yaml()).to.equal('db:\n  driver: mysql\n  port: 3306\nlr: ${db.port}\n');
    expect(composed.yaml({ resolve: true })).to.equal('db:\n  driver: mysql\n  port: 3306\nlr: 3306\n');
    expect(composed.yaml({ package: 'db' })).to.equal('# @package db\ndriver: mysql\nport: 3306\n');
    expect(composed.yaml({ part: 'hydra' })).to.match(/^hydra:\n {2}run:\n {4}dir: outputs\//);
  });

  it('gives the same result for the same input, and keeps nothing between calls', () => {
    withFiles(BASE, (folder) => {
      const once = () =>
        compose({ configDirs: [folder], configName: 'config', overrides: ['db=pgsql'], cwd: folder }).yaml();
      expect(once()).to.equal(once());
    });
  });
});
