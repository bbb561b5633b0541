import { expect } from 'chai';
import { openSession, programText } from './programs.js';

const x = 'value 0 input "x" f32 [2,3]';
const y = 'value 1 temp @0 f32 [2,3]';
const relu = 'op relu (0) -> (1) {} "mlp"';

/** What is wrong with the program, its lines after `arena 128`, the whole message. */
const malformed: [name: string, lines: string[], message: string][] = [
  ['an unknown op', [x, y, 'op swish (0) -> (1) {}'], "line 6: unknown op 'swish'"],
  ['an unknown line', [x, 'tensor 1'], "line 5: unknown line 'tensor'"],
  ['a value out of order', ['value 1 input "x" f32 [2]'], 'line 4: value 1 where 0 must come at column 8'],
  ['a value after an op', [x, y, relu, 'value 2 temp @64 f32 [1]'], "line 7: 'value' does not belong here"],
  [
    'an input of one name twice',
    [x, 'value 1 input "x" f32 [2]'],
    'line 5: input "x" stands twice at column 18',
  ],
  [
    'an unknown dtype',
    ['value 0 input "x" f16 [2]'],
    "line 4: unknown dtype 'f16' (f32, bf16, i32, u8) at column 22",
  ],
  [
    'a shape past all memory',
    ['value 0 temp @0 f32 [1000000,1000000,1000000]'],
    'line 4: a shape with more than 2^40 elements at column 46',
  ],
  ['a negative dimension', ['value 0 temp @0 f32 [-1]'], 'line 4: a dimension is negative at column 25'],
  [
    'an alias of another size',
    [x, 'value 1 alias 0 f32 [7]'],
    'line 5: alias f32[7] of f32[2,3]: sizes differ at column 24',
  ],
  [
    'an alias of a later value',
    [x, 'value 1 alias 2 f32 [6]'],
    'line 5: alias of a value that does not stand above it at column 16',
  ],
  [
    'a string without its end',
    ['value 0 input "x f32 [2]'],
    'line 4: a string without its closing quote at column 25',
  ],
  [
    'an op on a value that does not exist',
    [x, y, 'op relu (7) -> (1) {}'],
    'line 6: relu: there is no value 7 at column 11',
  ],
  ['too few inputs', [x, y, 'op add (0) -> (1) {}'], 'line 6: add: 1 inputs, expected 2'],
  [
    'an absent input that is needed',
    [x, y, 'op relu (_) -> (1) {} "mlp"'],
    'line 6: relu "mlp": x may not be absent',
  ],
  [
    'a missing attribute',
    [x, y, 'op affine (0) -> (1) {scale=2}'],
    "line 6: affine: attribute 'shift' is missing at column 31",
  ],
  [
    'an unknown attribute',
    [x, y, 'op relu (0) -> (1) {slope=1}'],
    "line 6: relu: unknown attribute 'slope' at column 26",
  ],
  [
    'an output of another shape',
    [x, 'value 1 temp @0 f32 [3,2]', relu],
    'line 6: relu "mlp": output y is f32[3,2], it must be f32[2,3] (inputs f32[2,3])',
  ],
  [
    'an input of another dtype',
    ['value 0 input "x" i32 [2,3]', y, relu],
    'line 6: relu "mlp": x is i32, expected f32 or bf16 (inputs i32[2,3])',
  ],
  [
    'a product whose inner sizes differ',
    [
      x,
      y,
      'value 2 temp @64 f32 [2,3]',
      'op relu (0) -> (1) {}',
      'op matmul (0,1,_) -> (2) {trans_a=0 trans_b=0} "q"',
    ],
    'line 8: matmul "q": inner sizes 3 and 2 differ (inputs f32[2,3], f32[2,3], _)',
  ],
  [
    'scratch that is too small',
    [x, 'value 1 temp @0 f32 [1]', 'op sum_squares (0) -> (1) {} scratch @64+4'],
    'line 6: sum_squares: scratch has 4 bytes, it needs 8 (inputs f32[2,3])',
  ],
  [
    'scratch outside the arena',
    [x, 'value 1 temp @0 f32 [1]', 'op sum_squares (0) -> (1) {} scratch @128+8'],
    'line 6: sum_squares: scratch does not fit the arena',
  ],
  [
    'a temp outside the arena',
    [x, 'value 1 temp @64 f32 [17]'],
    'line 5: value 1 at @64 with 68 bytes does not fit the arena of 128 bytes, 64-byte aligned',
  ],
  [
    'a temp that is not aligned',
    [x, 'value 1 temp @4 f32 [6]'],
    'line 5: value 1 at @4 with 24 bytes does not fit the arena of 128 bytes, 64-byte aligned',
  ],
  [
    'a change of what is not a state',
    [x, y, 'op relu (0) -> (1) {}', 'op assign (1,0) -> () {}'],
    'line 7: assign: state is changed in place and must be a state',
  ],
  ['an output into an input', [x, y, 'op relu (0) -> (0) {}'], 'line 6: relu: output 0 must be a temp'],
  [
    'a read before the write',
    [x, y, 'value 2 temp @64 f32 [2,3]', 'op relu (1) -> (2) {} "mlp"'],
    'line 7: relu "mlp": input 1 is read before any op wrote it',
  ],
  [
    'a read of what another op overwrote',
    [
      x,
      y,
      'value 2 temp @0 f32 [2,3]',
      'value 3 temp @64 f32 [2,3]',
      'op relu (0) -> (1) {}',
      'op exp (0) -> (2) {}',
      'op add (1,2) -> (3) {} "sum"',
    ],
    'line 10: add "sum": input 1 was overwritten at line 9',
  ],
  [
    'an output over an input of an op that is not in place',
    [x, y, 'value 2 temp @0 f32 [3,2]', 'op relu (0) -> (1) {}', 'op transpose (1) -> (2) {perm=[1,0]}'],
    'line 8: transpose: output overlaps input 1',
  ],
  ['an output that no op writes', [x, y, 'output "y" 1'], 'output "y" is read before any op wrote it'],
];

describe('the program decoder', () => {
  for (const [name, lines, message] of malformed) {
    it(`refuses ${name}`, () => {
      const session = openSession(1);
      expect(() => session.load(programText(128, ...lines)))
        .to.throw(Error)
        .with.property('message', message);
      session.close();
    });
  }

  it('refuses text that is no program', () => {
    const session = openSession(1);
    expect(() => session.load('')).to.throw("not a program: it must begin with 'sluice-program 1'");
    expect(() => session.load('value 0 input "x" f32 [2]')).to.throw("line 1: 'value' does not belong here");
    expect(() => session.load('sluice-program 2')).to.throw('line 1: only version 1 is known');
    session.close();
  });

  it('refuses every truncation of a good program, or loads it whole, and never crashes', () => {
    const session = openSession(1);
    const text = programText(
      128,
      x,
      y,
      'output "y" 1',
      'op affine (0) -> (1) {scale=2 shift=-1} "a \\"b\\" \\u00e9"',
    );
    session.load(text);
    for (let end = 0; end < text.length - 1; end++) {
      try {
        session.load(text.slice(0, end));
      } catch (error) {
        expect(error).to.be.instanceOf(Error);
      }
    }
    session.close();
  });
});
