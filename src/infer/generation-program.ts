import { Graph, gatherRows, type Program, reshape } from '../graph/index.js';
import type { Adapter, Model } from '../models/index.js';
import { compileForInference } from './compile.js';
import { logitsOf } from './logits.js';

export interface GenerationShape {
  rows: number;
  /** New tokens of a row: 1 in decoding. */
  length: number;
  /** Of the key-value cache, in tokens. */
  capacity: number;
  /** Null for models without an encoder. */
  encoderLength: number | null;
  /** Whether this program runs the encoder, or reads what an earlier one left. */
  encodes: boolean;
}

/** The program that reads `length` tokens of each row into the cache and gives the logits of the last. */
export function generationProgram(
  model: Model,
  adapter: Adapter | null,
  { rows, length, capacity, encoderLength, encodes }: GenerationShape,
  threads: number,
): Program {
  const graph = new Graph();
  const encoderShape = [rows, encoderLength ?? 0];
  const encoder = encoderLength !== null && {
    inputIds: encodes ? graph.input('encoder_input_ids', 'i32', encoderShape) : null,
    segmentIds: graph.input('encoder_segment_ids', 'i32', encoderShape),
  };
  const output = model.forward(
    {
      inputIds: graph.input('input_ids', 'i32', [rows, length]),
      segmentIds: graph.input('segment_ids', 'i32', [rows, length]),
      positions: graph.input('positions', 'i32', [rows, length]),
      cache: {
        capacity,
        start: graph.input('start', 'i32', [encoderLength === null ? rows : 1]),
        segmentIds: graph.input('key_segments', 'i32', [rows, capacity]),
      },
      ...(encoder && { encoder }),
    },
    { adapter },
  );
  const hidden = reshape(output.hidden, [rows * length, -1]);
  const last = length === 1 ? hidden : gatherRows(hidden, graph.input('last', 'i32', [rows]));
  graph.output('logits', logitsOf(output, last));
  return compileForInference(graph, threads);
}
