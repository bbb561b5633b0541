import { expect } from 'chai';
import { configHash } from '../../src/runner/config-hash.js';

describe('the hash of a config', () => {
  it('does not depend on the order of keys, at any depth', () => {
    expect(configHash({ a: 1, b: { c: [1, 2], d: null } })).to.equal(
      configHash({ b: { d: null, c: [1, 2] }, a: 1 }),
    );
  });

  const different: [string, unknown, unknown][] = [
    ['the order of a list', [1, 2], [2, 1]],
    ['a number and its text', { a: 1 }, { a: '1' }],
    ['null and a missing key', { a: null }, {}],
    ['infinity and null', { a: Number.POSITIVE_INFINITY }, { a: null }],
    ['where a list ends', { a: [[1], 2] }, { a: [[1, 2]] }],
  ];
  for (const [name, a, b] of different) {
    it(`tells apart ${name}`, () => expect(configHash(a)).to.not.equal(configHash(b)));
  }
});
