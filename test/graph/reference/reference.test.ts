import { expect } from 'chai';
import { erf } from './elementwise.js';
import { philox } from './random.js';

describe('the reference', () => {
  // Known answers published with Random123 (kat_vectors, philox4x32-10).
  const vectors: [string, number[], number[], number[]][] = [
    ['zeros', [0, 0, 0, 0], [0, 0], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]],
    [
      'ones',
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      'digits of pi',
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ];
  for (const [name, counter, key, wanted] of vectors) {
    it(`draws the published Philox words of ${name}`, () => {
      expect(philox(counter, key)).to.deep.equal(wanted);
    });
  }

  it('knows erf to double precision on both of its branches', () => {
    expect(erf(0.5)).to.be.closeTo(0.5204998778130465, 1e-15);
    expect(erf(2.4)).to.be.closeTo(0.999311486103355, 1e-15);
    expect(erf(2.6)).to.be.closeTo(0.9997639655834707, 1e-15);
    expect(erf(-1)).to.be.closeTo(-0.8427007929497149, 1e-15);
  });
});
