import { expect } from 'chai';
import { composeFiles, failureOf } from './fixture.js';

const resolve = (yaml: string, env: Record<string, string> = {}): Record<string, unknown> =>
  composeFiles({ 'config.yaml': yaml }, [], { env }).config();

describe('interpolations', () => {
  const rows: [rule: string, yaml: string, key: string, value: unknown][] = [
    ['take the value with its type', 'a: ${b}\nb: 1.5\n', 'a', 1.5],
    ['take a whole mapping', 'a: ${b}\nb: {c: [1]}\n', 'a', { c: [1] }],
    ['chain', 'a: ${b}\nb: ${c}\nc: x\n', 'a', 'x'],
    [
      'become text inside text, as Python prints it',
      "a: 'x-${b}-${c}-${d}'\nb: null\nc: true\nd: 1.0\n",
      'a',
      'x-None-True-1.0',
    ],
    ['print containers unresolved', "a: 'x${b}'\nb: [1, '${c}', null]\nc: 2\n", 'a', "x[1, '${c}', None]"],
    ['are relative with dots', 'n: {a: "${.b}", c: "${..d}", b: 1}\nd: 2\n', 'n', { a: 1, c: 2, b: 1 }],
    ['index lists both ways', 'a: [1, 2, 3]\nb: "${a[0]}${a.1}${a[-1]}"\n', 'b', '123'],
    ['may name their key by another', 'a: ${b.${c}}\nb: {x: 5}\nc: x\n', 'a', 5],
    ['are escaped by a backslash', "a: '\\${b} ${b}'\nb: 1\n", 'a', '${b} 1'],
    ['halve the backslashes before them', "a: '\\\\${b}'\nb: 1\n", 'a', '\\1'],
    ['read the environment as text', 'a: ${oc.env:V}\n', 'a', '5'],
    ['decode text', 'a: ${oc.decode:${oc.env:V}}\n', 'a', 5],
    ['have defaults', 'a: ${oc.env:NOPE,1.50}\n', 'a', '1.5'],
    ['select with a default', 'a: ${oc.select:nope,[1,x]}\n', 'a', [1, 'x']],
    ['select above the top of the config with a default', 'a: ${oc.select:...b,5}\n', 'a', 5],
    [
      'list keys and values',
      'a: {k: "${oc.dict.keys:b}", v: "${oc.dict.values:b}"}\nb: {x: 1, y: "${.x}"}\n',
      'a',
      { k: ['x', 'y'], v: [1, 1] },
    ],
    [
      'create containers that resolve in place',
      "a: '${oc.create:{x: ${b}, y: [p]}}'\nb: 3\n",
      'a',
      { x: 3, y: ['p'] },
    ],
    ['take quoted arguments', 'a: \'${oc.env:NOPE,"q ${b}, r"}\'\nb: 1\n', 'a', 'q 1, r'],
    ['reach into created containers', "a: ${c.x[0]}\nc: '${oc.create:{x: [7]}}'\n", 'a', 7],
    [
      'take the default beyond decoded data',
      'a: ${oc.select:c.x,none}\nc: \'${oc.decode:"{x: 7}"}\'\n',
      'a',
      'none',
    ],
    ['pass a mandatory value through oc.deprecated', 'a: ${oc.deprecated:b}\nb: ???\n', 'a', '???'],
    ['leave mandatory values as they are', 'a: ???\nb: 1\n', 'a', '???'],
  ];
  for (const [rule, yaml, key, value] of rows) {
    it(rule, () => {
      expect(resolve(yaml, { V: '5' })[key]).to.deep.equal(value);
    });
  }

  const refused: [what: string, yaml: string, code: string, message: RegExp][] = [
    [
      'a missing key',
      'a: ${b.x}\nb: {y: 1}\n',
      'config.interpolation_key',
      /^a: Interpolation key 'b.x' not found: there is no 'x'/,
    ],
    ['a mandatory value', 'a: ${b}\nb: ???\n', 'config.interpolation_missing', /'b' is mandatory/],
    ['a cycle', 'a: ${b}\nb: ${a}\n', 'config.interpolation', /Recursive interpolation/],
    [
      'a value that contains itself',
      'a: {b: "${a}"}\n',
      'config.interpolation',
      /contains the value that refers to it/,
    ],
    [
      'containers that contain each other',
      'a: {x: "${b}"}\nb: {y: "${a}"}\n',
      'config.recursion',
      /nested deeper/,
    ],
    ['a scalar on the way', 'a: ${b.c}\nb: 1\n', 'config.interpolation', /'b' is 1, which holds no 'c'/],
    [
      'a path into decoded data',
      "a: ${b.x}\nb: ${oc.decode:'{x:1}'}\n",
      'config.interpolation',
      /'b' is \{'x': 1\}, which holds no 'x'/,
    ],
    ['decoded blanks', "a: ${oc.decode:' '}\n", 'config.interpolation', /blanks alone are no value/],
    [
      'an unknown resolver',
      'a: ${nope:1}\n',
      'config.interpolation_resolver',
      /Unsupported interpolation type nope/,
    ],
    [
      'an unset variable',
      'a: ${oc.env:NOPE}\n',
      'config.interpolation',
      /Environment variable 'NOPE' not found/,
    ],
  ];
  for (const [what, yaml, code, message] of refused) {
    it(`fail at their place for ${what}`, () => {
      const error = failureOf(() => resolve(yaml));
      expect(error.code).to.equal(code);
      expect(error.message).to.match(message);
      if (code !== 'config.recursion') expect(error.where).to.match(/^config\.yaml:1:\d+$/);
    });
  }

  it('report broken syntax when the file is read', () => {
    const error = failureOf(() => resolve('a: 1\nb: "${a"\n'));
    expect([error.code, error.where]).to.deep.equal(['config.compose', 'config.yaml:2:4']);
  });

  it('stop at an expansion bomb', () => {
    const lines = ["a0: 'xxxxxxxxxx'"];
    for (let level = 1; level < 12; level++) lines.push(`a${level}: '${`\${a${level - 1}}`.repeat(10)}'`);
    expect(failureOf(() => resolve(lines.join('\n'))).code).to.match(/^config\.(recursion|interpolation)$/);
  });

  it('use resolvers that the caller brings', () => {
    const resolvers = new Map([['twice', ([value]: unknown[]) => `${value}${value}`]]);
    const composed = composeFiles({ 'config.yaml': 'a: ${twice:${b}}\nb: x\n' }, [], { resolvers });
    expect(composed.config()).to.deep.equal({ a: 'xx', b: 'x' });
  });

  it('show one moment for a whole composition', () => {
    const now = new Date(2026, 0, 2, 3, 4, 5);
    const composed = composeFiles({ 'config.yaml': 'a: ${now:%Y-%m-%d}/${now:%H-%M-%S}\n' }, [], { now });
    expect(composed.config()).to.deep.equal({ a: '2026-01-02/03-04-05' });
    expect(composed.value('hydra.run.dir')).to.equal('outputs/2026-01-02/03-04-05');
  });
});
