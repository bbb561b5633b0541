import { Graph } from '../graph/index.js';
import type { ConfigReader, RawModelConfig } from './config-reader.js';
import type { ParameterSpec } from './parameter.js';
import { plainStorage, type WeightStorage } from './storage.js';
import { type Batch, type ModelOutput, ModelTrace, type TraceOptions } from './trace.js';

/** What a family gives: one function over symbolic tensors, and how its files name things. */
export interface Architecture {
  /** Traces the model; declares its parameters on the way. */
  forward(trace: ModelTrace, batch: Batch): ModelOutput;
  /** Longest sequence that the position encoding allows; null: no limit. */
  readonly maxLength: number | null;
  /** Set for encoder-decoder models: the id that every decoder sequence begins with. */
  readonly decoderStart?: number;
  /**
   * The name that `forward` uses for a tensor that a file calls `name`, or null for one that is not a parameter
   * (buffers, copies of tied weights). Default: names are the same.
   */
  canonicalName?(name: string): string | null;
}

/** A family of models: `build` checks its config and prepares the tracing. */
export interface Family {
  build(config: ConfigReader): Architecture;
}

/** A model ready to be traced: for training, scoring, prefill or decoding. */
export class Model {
  readonly modelType: string;
  readonly config: RawModelConfig;
  readonly architecture: Architecture;
  readonly storage: WeightStorage;

  constructor(modelType: string, config: RawModelConfig, architecture: Architecture, storage = plainStorage) {
    this.modelType = modelType;
    this.config = config;
    this.architecture = architecture;
    this.storage = storage;
  }

  /** The same model with its weights held otherwise: `loadWeights` and programs follow. */
  stored(storage: WeightStorage): Model {
    return new Model(this.modelType, this.config, this.architecture, storage);
  }

  get hasEncoder(): boolean {
    return this.architecture.decoderStart !== undefined;
  }

  get maxLength(): number | null {
    return this.architecture.maxLength;
  }

  /** Adds the forward pass of `batch` to its graph. */
  forward(batch: Batch, options: TraceOptions = {}): ModelOutput {
    return this.architecture.forward(
      new ModelTrace(batch.inputIds.graph, { ...options, storage: this.storage }),
      batch,
    );
  }

  /**
   * Every parameter of the model itself, in the order of use: what `forward` declares for the smallest batch. An
   * adapter given here learns its own on the way.
   */
  parameters(options: TraceOptions = {}): ParameterSpec[] {
    const graph = new Graph();
    const trace = new ModelTrace(graph, options);
    this.architecture.forward(trace, batchInputs(graph, 1, 2, this.hasEncoder ? 2 : null));
    return [...trace.parameters.values()];
  }
}

/** The inputs of a batch by their usual names; with `encoderLength`, those of an encoder too. */
export function batchInputs(
  graph: Graph,
  rows: number,
  length: number,
  encoderLength: number | null = null,
): Batch {
  const batch = {
    inputIds: graph.input('input_ids', 'i32', [rows, length]),
    segmentIds: graph.input('segment_ids', 'i32', [rows, length]),
    positions: graph.input('positions', 'i32', [rows, length]),
  };
  if (encoderLength === null) return batch;
  const encoder = {
    inputIds: graph.input('encoder_input_ids', 'i32', [rows, encoderLength]),
    segmentIds: graph.input('encoder_segment_ids', 'i32', [rows, encoderLength]),
  };
  return { ...batch, encoder };
}
