import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { f32ToBf16, SafetensorsFile, WeightFiles, writeSafetensors } from '../../src/checkpoint/index.js';
import { SluiceError } from '../../src/errors.js';

const entry = (dtype: string, shape: number[], start: number, end: number) => ({
  dtype,
  shape,
  data_offsets: [start, end],
});

/** Bytes of a safetensors file with this header and `dataBytes` zeros behind it. */
function fileBytes(header: string, dataBytes: number): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(header)));
  return Buffer.concat([length, Buffer.from(header), Buffer.alloc(dataBytes)]);
}

describe('safetensors', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-safetensors-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('reads back what it wrote, halves exactly', () => {
    const path = join(folder, 'a.safetensors');
    const values = Float32Array.of(1, -0.5, 3.140625, Number.NEGATIVE_INFINITY);
    writeSafetensors(path, [
      { name: 'whole', dtype: 'F32', shape: [2, 2], data: values },
      { name: 'brain', dtype: 'BF16', shape: [4], data: f32ToBf16(values) },
      { name: 'half', dtype: 'F16', shape: [4], data: Uint16Array.of(0x3c00, 0x0001, 0xfc00, 0x8000) },
      { name: 'ids', dtype: 'I64', shape: [2], data: BigInt64Array.of(-7n, 2147483647n) },
      { name: 'none', dtype: 'F32', shape: [0, 3], data: new Float32Array() },
    ]);
    const file = new SafetensorsFile(path);
    expect([...file.readF32('whole')]).to.deep.equal([...values]);
    expect([...file.readF32('brain')]).to.deep.equal([...values]);
    expect([...file.readF32('half')]).to.deep.equal([1, 2 ** -24, Number.NEGATIVE_INFINITY, -0]);
    expect([...file.readI32('ids')]).to.deep.equal([-7, 2147483647]);
    expect(file.readF32('none')).to.have.length(0);
    expect(file.header.metadata).to.deep.equal({ format: 'pt' });
    file.close();
    expect(readdirSync(folder)).to.deep.equal(['a.safetensors']);
  });

  it('writes the same bytes whatever the order of the tensors', () => {
    const a = { name: 'a', dtype: 'F32', shape: [1], data: Float32Array.of(1) } as const;
    const b = { name: 'b', dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 3) } as const;
    writeSafetensors(join(folder, 'ab'), [a, b]);
    writeSafetensors(join(folder, 'ba'), [b, a]);
    expect(readFileSync(join(folder, 'ab')).equals(readFileSync(join(folder, 'ba')))).to.equal(true);
  });

  const hostile: [name: string, header: unknown, dataBytes: number, message: string][] = [
    ['an array', [], 0, 'the header is not a JSON object'],
    ['an unknown dtype', { a: entry('F8', [1], 0, 1) }, 1, 'tensor a has dtype "F8"'],
    ['a negative size', { a: entry('F32', [-1], 0, 4) }, 4, 'tensor a has shape [-1]'],
    ['a fractional size', { a: entry('F32', [1.5], 0, 6) }, 6, 'tensor a has shape [1.5]'],
    ['a negative offset', { a: entry('F32', [1], -4, 0) }, 4, 'tensor a has data_offsets [-4,0]'],
    ['a huge offset', { a: entry('F32', [1], 2 ** 60, 2 ** 60 + 4) }, 4, 'tensor a has data_offsets'],
    ['a size that is not the shape', { a: entry('F32', [2], 0, 4) }, 4, 'needs 8 bytes, data_offsets give 4'],
    ['a huge shape', { a: entry('F32', [2 ** 40, 2 ** 40], 0, 4) }, 4, 'data_offsets give 4'],
    ['an overlap', { a: entry('U8', [4], 0, 4), b: entry('U8', [4], 2, 6) }, 6, 'tensor b overlaps tensor a'],
    ['a gap', { a: entry('U8', [1], 0, 1), b: entry('U8', [1], 2, 3) }, 3, '1 bytes between tensor a and b'],
    ['too little data', { a: entry('F32', [2], 0, 8) }, 4, 'it is cut short'],
    ['too much data', { a: entry('U8', [2], 0, 2) }, 4, '2 bytes after tensor a belong to nothing'],
    ['metadata of numbers', { __metadata__: { step: 1 } }, 0, '__metadata__ must map names to strings'],
    ['an entry of null', { a: null }, 0, 'tensor a has dtype undefined'],
  ];
  for (const [name, header, dataBytes, message] of hostile) {
    it(`refuses a header with ${name}`, () => {
      const path = join(folder, 'bad.safetensors');
      writeFileSync(path, fileBytes(JSON.stringify(header), dataBytes));
      expect(() => new SafetensorsFile(path))
        .to.throw(SluiceError, message)
        .with.property('where', path);
    });
  }

  const broken: [name: string, bytes: Buffer, message: string][] = [
    ['an empty file', Buffer.alloc(0), 'the file has 0 bytes'],
    [
      'a header longer than the file',
      Buffer.from([255, 0, 0, 0, 0, 0, 0, 0, 123]),
      'the header claims 255 bytes',
    ],
    ['a header length of 2^64-1', Buffer.alloc(16, 255), 'the header claims 18446744073709551615 bytes'],
    [
      'a tensor that stands twice',
      fileBytes(
        '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\\u0061" :{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
        1,
      ),
      'a stands twice in the header',
    ],
    [
      'an entry with two shapes',
      fileBytes('{"a":{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]}}', 1),
      'shape stands twice',
    ],
    ['text that is not JSON', fileBytes('{"a"', 0), 'the header is not JSON'],
    [
      'bytes that are not UTF-8',
      Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 0, 0, 0]), Buffer.from([255, 254])]),
      'not UTF-8',
    ],
  ];
  for (const [name, bytes, message] of broken) {
    it(`refuses ${name}`, () => {
      const path = join(folder, 'bad.safetensors');
      writeFileSync(path, bytes);
      expect(() => new SafetensorsFile(path)).to.throw(SluiceError, message);
    });
  }

  it('reads shards by their index and refuses an index that is wrong', () => {
    const shard = (name: string, value: number) =>
      writeSafetensors(join(folder, `${name}.safetensors`), [
        { name, dtype: 'F32', shape: [1], data: Float32Array.of(value) },
      ]);
    shard('a', 1);
    shard('b', 2);
    const index = join(folder, 'model.safetensors.index.json');
    writeFileSync(index, JSON.stringify({ weight_map: { a: 'a.safetensors', b: 'b.safetensors' } }));
    const weights = WeightFiles.open(folder);
    expect([weights.names, weights.readF32('b')[0]]).to.deep.equal([['a', 'b'], 2]);
    weights.close();
    writeFileSync(index, JSON.stringify({ weight_map: { a: 'b.safetensors' } }));
    expect(() => WeightFiles.open(folder)).to.throw(
      SluiceError,
      'says a is in b.safetensors, which does not have it',
    );
    const wrong: [text: string, problem: string][] = [
      [
        '{"weight_map":{"a":"../a.safetensors"}}',
        'must have a weight_map from tensor names to files beside it',
      ],
      ['{"weight_map":{}}', 'must have a weight_map'],
      ['{"weight_map":["a.safetensors"]}', 'must have a weight_map'],
      ['{"weight_map":{"a":"c.safetensors"}}', 'names c.safetensors, which is not there'],
      ['{"weight_map":{"a":"a.safetensors","a":"b.safetensors"}}', 'has a twice'],
      ['{"weight_map"', 'is not JSON'],
    ];
    for (const [text, problem] of wrong) {
      writeFileSync(index, text);
      expect(() => WeightFiles.open(folder), text).to.throw(SluiceError, `${index} ${problem}`);
    }
  });

  // SLUICE_FUZZ=50000 runs that many cases; the default keeps the suite quick.
  const cases = Number(process.env.SLUICE_FUZZ ?? 500);
  it(`opens and reads what ${cases} random changes make of a file, or refuses it by name`, function () {
    this.timeout(20_000 + 2 * cases);
    const path = join(folder, 'changed.safetensors');
    writeSafetensors(path, [
      { name: 'a', dtype: 'F32', shape: [2, 3], data: new Float32Array(6) },
      { name: 'b', dtype: 'BF16', shape: [5], data: new Uint16Array(5) },
      { name: 'c', dtype: 'U8', shape: [], data: new Uint8Array(1) },
    ]);
    const whole = readFileSync(path);
    const words = [
      '0',
      '-1',
      '1e99',
      '9007199254740993',
      'null',
      '[]',
      '{}',
      '"F32"',
      '"F8"',
      ',',
      '"a"',
      '',
    ];
    let state = 1;
    const draw = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    let refused = 0;
    for (let i = 0; i < cases; i++) {
      let bytes: Buffer = Buffer.from(whole);
      if (draw(3) === 0) bytes[draw(bytes.length)] = draw(256);
      if (draw(4) === 0) bytes = bytes.subarray(0, draw(bytes.length));
      if (draw(2) === 0 && bytes.length > 8) {
        const header = bytes.toString('latin1', 8, bytes.length - 35);
        const places = [...header.matchAll(/\d+|"[^"]*"|[,:]/g)];
        const place = places[draw(places.length)];
        if (place) {
          const text =
            header.slice(0, place.index) +
            words[draw(words.length)] +
            header.slice(place.index + place[0].length);
          bytes = fileBytes(text, 35);
        }
      }
      writeFileSync(path, bytes);
      try {
        const file = new SafetensorsFile(path);
        for (const name of file.names) expect(file.readBytes(name).length).to.be.at.most(bytes.length);
        file.close();
      } catch (error) {
        refused++;
        expect(error).to.be.instanceOf(SluiceError).with.property('where', path);
        expect((error as SluiceError).message)
          .to.include(path)
          .and.have.length.below(400);
      }
    }
    expect(refused).to.be.within(cases / 4, cases - 1);
  });
});
