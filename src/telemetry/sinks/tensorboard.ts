import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { AppendFile } from './append-file.js';
import { maskedCrc32c } from './crc32c.js';
import type { OpenSink } from './sink.js';

/**
 * tensorboard/events.out.tfevents.<time>.<host>.<pid>: TensorBoard's own format, a TFRecord file of Event messages, one
 * scalar per metric and step. Fields by number, from tensorflow's event.proto and summary.proto:
 * Event {1 wall_time double, 2 step int64, 3 file_version string, 5 summary}, Summary {1 value},
 * Value {1 tag string, 2 simple_value float}.
 */
export const openTensorboardSink: OpenSink = (runDirectory, seconds) => {
  const folder = join(runDirectory, 'tensorboard');
  mkdirSync(folder, { recursive: true });
  const stamp = String(Math.floor(seconds)).padStart(10, '0');
  const file = new AppendFile(join(folder, `events.out.tfevents.${stamp}.${hostname()}.${process.pid}`));
  file.write(record([double(1, seconds), text(3, 'brain.Event:2')]));
  return {
    write(event, at) {
      const values = Object.entries(event.values).map(([tag, value]) =>
        nested(1, [text(1, tag), float(2, value)]),
      );
      file.write(record([double(1, at), int64(2, event.step), nested(5, values)]));
    },
    close: () => file.close(),
  };
};

// TFRecord: length uint64, masked crc of the length, data, masked crc of the data; little endian.
function record(fields: Buffer[]): Buffer {
  const data = Buffer.concat(fields);
  const frame = Buffer.alloc(12 + data.length + 4);
  frame.writeBigUInt64LE(BigInt(data.length), 0);
  frame.writeUInt32LE(maskedCrc32c(frame.subarray(0, 8)), 8);
  data.copy(frame, 12);
  frame.writeUInt32LE(maskedCrc32c(data), 12 + data.length);
  return frame;
}

// Protobuf wire format: a key (field << 3 | wire type), then the value.
const wireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 };

function double(field: number, value: number): Buffer {
  const buffer = Buffer.alloc(9);
  buffer.writeUInt8((field << 3) | wireType.fixed64, 0);
  buffer.writeDoubleLE(value, 1);
  return buffer;
}

function float(field: number, value: number): Buffer {
  const buffer = Buffer.alloc(5);
  buffer.writeUInt8((field << 3) | wireType.fixed32, 0);
  buffer.writeFloatLE(value, 1);
  return buffer;
}

const int64 = (field: number, value: number) =>
  Buffer.concat([varint((field << 3) | wireType.varint), varint(value)]);

const text = (field: number, value: string) => nested(field, [Buffer.from(value, 'utf8')]);

function nested(field: number, parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([varint((field << 3) | wireType.bytes), varint(content.length), content]);
}

function varint(value: number): Buffer {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}
