import type { Engine, Session } from '../engine/index.js';
import { elementCount, type NamedType, type TypedArray } from '../graph/index.js';
import type { Model } from '../models/index.js';
import { generationProgram } from './generation-program.js';
import { weightBytes } from './weight-bytes.js';

/** What decoding one row took, and how fast memory was read in the same turns. */
export interface DecodeTimes {
  /** Seconds of each step, inside the engine. */
  steps: number[];
  /** Bytes/s, the best of each turn, of plain reads of as much memory as a step reads weights. */
  reads: number[];
  /** Bytes of weights that a step reads. */
  stepBytes: number;
  /** Share of the ops' time that is not products with weights. */
  otherShare: number;
}

export interface DecodeOptions {
  threads: number;
  turns: number;
  /** Steps of a turn. */
  steps: number;
  signal: AbortSignal;
}

const capacity = 256;
const warmupSteps = 3;

/** Decodes one row with made-up weights; steps and plain reads of memory take turns. */
export async function timeDecoding(
  engine: Engine,
  session: Session,
  model: Model,
  { threads, turns, steps, signal }: DecodeOptions,
): Promise<DecodeTimes> {
  const shape = { rows: 1, length: 1, capacity, encoderLength: null, encodes: false };
  const program = generationProgram(model, null, shape, threads);
  for (const state of program.states) {
    const isCache = state.name.startsWith('cache.');
    session.setState(state.name, state.dtype, state.shape, isCache ? null : madeUp(state));
  }
  const decode = session.load(program);
  const keySegments = new Int32Array(capacity);
  let tokens = 0;
  const step = async () => {
    const place = tokens++ % capacity;
    keySegments.fill(1, 0, place + 1);
    await decode.runWith({
      input_ids: Int32Array.of(1),
      segment_ids: Int32Array.of(1),
      positions: Int32Array.of(place),
      key_segments: keySegments,
      start: Int32Array.of(place),
    });
    return decode.lastSeconds;
  };
  const stepBytes = weightBytes(program);
  const times: DecodeTimes = { steps: [], reads: [], stepBytes, otherShare: 0 };
  for (let i = 0; i < warmupSteps; i++) await step();
  for (let turn = 0; turn < turns && !signal.aborted; turn++) {
    times.reads.push(await engine.measureRead({ threads, seconds: 0.1, bytes: stepBytes }));
    for (let i = 0; i < steps; i++) times.steps.push(await step());
  }
  decode.setProfiling(true);
  for (let i = 0; i < steps; i++) await step();
  let [all, others] = [0, 0];
  for (const { op, seconds } of decode.profile()) {
    all += seconds;
    if (!op.endsWith('matmul')) others += seconds;
  }
  return { ...times, otherShare: others / all };
}

/** Small numbers, or any bytes: written, for memory that never was is read as one page of zeros, out of the cache. */
function madeUp({ dtype, shape }: NamedType): TypedArray {
  const count = elementCount(shape);
  let state = 1;
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0);
  if (dtype === 'u8') return Uint8Array.from({ length: count }, () => random() >>> 24);
  if (dtype === 'bf16') return Uint16Array.from({ length: count }, () => 0x3c00 | (random() >>> 25)); // 0.008 to 0.016
  return Float32Array.from({ length: count }, () => (random() / 2 ** 32 - 0.5) / 32);
}
