import { expect } from 'chai';
import { crc32c, maskedCrc32c } from '../../src/telemetry/sinks/crc32c.js';

describe('crc32c', () => {
  // RFC 3720, appendix B.4, read as little-endian numbers.
  const vectors: [string, Uint8Array, number][] = [
    ['32 zeros', new Uint8Array(32), 0x8a9136aa],
    ['32 bytes of 0xff', new Uint8Array(32).fill(0xff), 0x62a8ab43],
    ['32 ascending bytes', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    ['32 descending bytes', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
    ['the usual check text', Buffer.from('123456789'), 0xe3069283],
    ['nothing', new Uint8Array(0), 0],
  ];
  for (const [name, data, expected] of vectors) {
    it(`of ${name} is the published value`, () => expect(crc32c(data)).to.equal(expected));
  }

  it('is masked by a rotation and a constant', () => {
    expect(maskedCrc32c(new Uint8Array(0))).to.equal(0xa282ead8);
    // 0xe3069283 rotated right by 15 is 0x2507c60d
    expect(maskedCrc32c(Buffer.from('123456789'))).to.equal((0x2507c60d + 0xa282ead8) >>> 0);
  });
});
