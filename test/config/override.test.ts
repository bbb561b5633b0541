import { expect } from 'chai';
import { parseOverride } from '../../src/config/index.js';
import { rangeElements } from '../../src/config/override/float-range.js';
import { keyElement, valueText } from '../../src/config/override/parse.js';
import { renderValue } from '../../src/config/override/render.js';
import { type ChoiceSweep, RangeSweep, settledValue } from '../../src/config/override/value.js';
import { toPlain } from '../../src/config/python-value.js';
import { failureOf } from './fixture.js';

describe('overrides', () => {
  const values: [rule: string, input: string, value: unknown, text: string][] = [
    ['a word is text', 'a=b', 'b', 'b'],
    ['nothing after = is empty text', 'a=', '', ''],
    ['an integer', 'a=-12', -12, '-12'],
    ['digits may be grouped', 'a=1_000', 1000, '1000'],
    ['a leading zero makes text', 'a=007', '007', '007'],
    ['hexadecimal is text', 'a=0x1F', '0x1F', '0x1F'],
    ['YAML words for booleans are text', 'a=yes', 'yes', 'yes'],
    ['a float keeps its point', 'a=1.0', 1, '1.0'],
    ['an exponent makes a float', 'a=1e-4', 0.0001, '0.0001'],
    ['a large float prints with an exponent', 'a=1e20', 1e20, '1e+20'],
    ['booleans in any case', 'a=TrUe', true, 'True'],
    ['null in any case', 'a=NULL', null, 'null'],
    [
      'an integer beyond 2^53 is exact',
      'a=12345678901234567890',
      12345678901234567890n,
      '12345678901234567890',
    ],
    ['words with blanks are one text', 'a=b c', 'b c', 'b\\ c'],
    ['blanks around are dropped', 'a= b ', 'b', 'b'],
    ['single quotes', "a='b, c'", 'b, c', "'b, c'"],
    ['an escaped quote', "a='it\\'s'", "it's", "'it\\'s'"],
    ['backslashes before the closing quote pair up', 'a="b\\\\"', 'b\\', '"b\\\\"'],
    ['an escaped comma', 'a=b\\,c', 'b,c', 'b\\,c'],
    ['a list', 'a=[1, [x], {}]', [1, ['x'], {}], '[1,[x],{}]'],
    ['a mapping keeps its last duplicate', 'a={x:1,x:2}', { x: 2 }, '{x:2}'],
    ['an interpolation is a flat token', 'a=${b.c}', '${b.c}', '$\\{b.c\\}'],
    ['a cast', 'a=int(3.9)', 3, '3'],
    ['a cast reaches into lists', "a=float([1,'2'])", [1, 2], '[1.0,2.0]'],
    ['sort puts in order', 'a=sort([3,1,2])', [1, 2, 3], '[1,2,3]'],
    [
      'sort compares what differs',
      'a=sort([[null,2],[null,1]])',
      [
        [null, 1],
        [null, 2],
      ],
      '[[null,1],[null,2]]',
    ],
    ['json_str', 'a=json_str({x:[1.0,null]})', '{"x": [1.0, null]}', '\\{"x"\\:\\ \\[1.0\\,\\ null\\]\\}'],
  ];
  for (const [rule, input, value, text] of values) {
    it(`${rule}: ${input}`, () => {
      const override = parseOverride(input);
      expect(toPlain(settledValue(override.value))).to.deep.equal(value);
      expect(valueText(override)).to.equal(text);
      // What a sweeper prints reads back as the same value, except for quotes inside text, as in the reference.
      if (rule !== 'json_str')
        expect(toPlain(settledValue(parseOverride(`a=${text}`).value))).to.deep.equal(value);
    });
  }

  const keys: [input: string, type: string, key: string, pkg: string | undefined, element: string][] = [
    ['a.b.0=1', 'change', 'a.b.0', undefined, 'a.b.0'],
    ['+db@src.x=y', 'add', 'db', 'src.x', '+db@src.x'],
    ['++a=1', 'force_add', 'a', undefined, '++a'],
    ['~hydra/launcher', 'delete', 'hydra/launcher', undefined, '~hydra/launcher'],
    ['a=extend_list(1)', 'extend', 'a', undefined, 'a'],
    ['a/b/c@=x', 'change', 'a/b/c', '', 'a/b/c@'],
  ];
  for (const [input, type, key, pkg, element] of keys) {
    it(`reads the key of ${input}`, () => {
      const override = parseOverride(input);
      expect([override.type, override.key, override.package]).to.deep.equal([type, key, pkg]);
      expect(keyElement(override)).to.equal(element);
    });
  }

  const sweeps: [input: string, strings: string[]][] = [
    ['a=1,b,null', ['1', 'b', 'null']],
    ["a=choice('x y',[1])", ['x\\ y', '[1]']],
    ['a=range(3)', ['0', '1', '2']],
    ['a=range(5,0,-2)', ['5', '3', '1']],
    ['a=range(0,0.4,0.1)', ['0.0', '0.1', '0.2', '0.3']],
    ['a=sort(range(0,5,2),reverse=true)', ['4', '2', '0']],
    ['a=tag(t,sort(b,a))', ['a', 'b']],
    ['a=sort(1,1.0,true,0,reverse=true)', ['1', '1.0', 'True', '0']],
    ['a=int(choice(1.5,[2.5]))', ['1', '[2]']],
  ];
  for (const [input, strings] of sweeps) {
    it(`goes through ${input} in order`, () => {
      const { value } = parseOverride(input);
      const elements = value instanceof RangeSweep ? rangeElements(value) : (value as ChoiceSweep).list;
      expect(elements.map(renderValue)).to.deep.equal(strings);
    });
  }

  const refused: [input: string, message: RegExp][] = [
    ['a', /expected '=' and a value, found the end/],
    ["a='b", /no token starts with ''b'/],
    ['a=[1,2', /expected ',' or '\]', found the end/],
    ['a={x}', /expected ':', found '}'/],
    ['a=b=c', /expected the end of the override, found '='/],
    ['a=rang(1,2)', /Unknown function 'rang'/],
    ['a=int(x)', /invalid literal for int/],
    ['a=choice()', /empty choice/],
    ['+a=extend_list(1)', /extend_list works with key=extend_list/],
    ['a[0]=1', /no token starts with '\[0\]=1'/],
    ['a=sort([1,x])', /different kinds/],
    ['a=sort(sweep=[2,1])', /mismatch type argument to sort\(\): list/],
    ['a=shuffle(list=choice(1,2))', /mismatch type argument to shuffle/],
    ['a=shuffle(a,choice(1,2))', /a sweep cannot be one of several values/],
    ['a=int(1,range(1,3))', /a sweep cannot be one of several values/],
    ['a=int(choice(choice(1,2),3))', /this element of a choice cannot be cast/],
    ['a=json_str(a,null)', /null in a choice/],
    ['a=range(1,2,null)', /mismatch type argument to range\(\): NoneType/],
  ];
  for (const [input, message] of refused) {
    it(`refuses ${input}`, () => {
      const error = failureOf(() => parseOverride(input));
      expect(error.code).to.equal('config.override_syntax');
      expect(error.where).to.equal(`override ${input}`);
      expect(error.message).to.match(message);
      expect(error.hint).to.be.a('string');
    });
  }

  it('ends a huge range with an error instead of filling memory', () => {
    const { value } = parseOverride('a=range(0,1_000_000_000_000)');
    expect(failureOf(() => rangeElements(value as RangeSweep)).message).to.match(
      /more than 1000000 elements/,
    );
  });
});
