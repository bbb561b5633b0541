import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bf16ToF32 } from '../../src/checkpoint/index.js';
import { datasetOf } from '../../src/data/batch.js';
import type { Batch, Dataset } from '../../src/data/index.js';
import { openEngine, type Session } from '../../src/engine/index.js';
import { buildModel, initializeWeights, LoraAdapter, type Model, storageOf } from '../../src/models/index.js';
import type { TelemetryEvent } from '../../src/telemetry/event.js';
import {
  type BatchSource,
  languageModel,
  type TrainingConfig,
  type TrainingRun,
  train,
  trainingStorage,
} from '../../src/train/index.js';
import { plainPrecision } from '../../src/train/optim/adamw.js';
import type { Verb } from '../../src/train/start.js';

/** A model small enough to train in milliseconds, with everything that a large one has. */
const config = {
  model_type: 'olmoe',
  vocab_size: 37,
  hidden_size: 16,
  intermediate_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  num_experts: 4,
  num_experts_per_tok: 2,
  max_position_embeddings: 32,
  rope_theta: 10000,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: true,
};

export const tinyAdamW = {
  name: 'adamw',
  beta1: 0.9,
  beta2: 0.95,
  eps: 1e-8,
  weight_decay: 0.1,
  ...plainPrecision,
} as const;

export const tinyTraining: TrainingConfig = {
  dtype: 'fp32',
  learning_rate: 1e-2,
  batch_size: 4,
  per_device_batch_size: 4,
  recompute: 'none',
  memory_budget: null,
  epochs: 1,
  max_tokens: null,
  max_steps: 6,
  max_grad_norm: 1,
  log_every: 2,
  early_stopping: null,
  spike_guard: { mode: 'off', window: 4, loss_deviations: 10, grad_norm_ratio: 20 },
  save_every: 0,
  keep_last: 1,
  keep_best: 0,
  metric_for_best: 'train/lm_loss',
  greater_is_better: false,
  load_best_at_end: false,
  optimizer: tinyAdamW,
  schedule: { name: 'cosine', warmup_ratio: 0.2, min_ratio: 0.1 },
};

/** Counting texts: two segments a row, some padding, a different number of targets in every row. */
export function batchOf(seed: number, step: number, batchSize: number): Batch {
  const length = 12;
  const size = batchSize * length;
  const made: Batch = {
    batchSize,
    length,
    inputIds: new Int32Array(size),
    segmentIds: new Int32Array(size),
    positions: new Int32Array(size),
    labels: new Int32Array(size).fill(-100),
    rows: Array.from({ length: batchSize }, (_, i) => i),
    tokens: 0,
    targets: 0,
  };
  for (let row = 0; row < batchSize; row += 1) {
    const lengths = [3 + ((step + row) % 4), 4 + (row % 2)];
    let at = row * length;
    lengths.forEach((count, segment) => {
      for (let t = 0; t < count; t += 1, at += 1) {
        made.inputIds[at] = (seed + 5 * step + 7 * row + t) % 37;
        made.segmentIds[at] = segment + 1;
        made.positions[at] = t;
        made.tokens += 1;
        if (t + 1 === count) continue;
        made.labels[at] = (seed + 5 * step + 7 * row + t + 1) % 37;
        made.targets += 1;
      }
    });
  }
  return made;
}

/** So many of those texts as a dataset; `first` makes others of them. */
export const countingRows = (rows: number, first = 0): Dataset =>
  datasetOf({
    rows,
    length: 12,
    tokens: 10 * rows,
    padId: 0,
    fill(row, batch, offset) {
      const made = batchOf(1, first + row, 1);
      for (const name of ['inputIds', 'segmentIds', 'positions', 'labels'] as const)
        batch[name].set(made[name], offset);
    },
    describe: (chosen) => `rows ${chosen}`,
    close: () => {},
  });

export interface Trained {
  events: TelemetryEvent[];
  facts: Record<string, unknown>;
  logs: string[];
  weights: Map<string, Float32Array>;
  folder: string;
  session: Session;
  run: TrainingRun;
}

let peak: Promise<number> | undefined;

/** Trains the tiny model, or adapters on it; `abortAfter` aborts once that many steps were taken. */
export async function trainTiny(
  training: Partial<TrainingConfig> = {},
  options: {
    threads?: number;
    /** A `step_<n>` folder, and what is done with it; default: resume. */
    resumeFrom?: string;
    verb?: Verb;
    abortAfter?: number;
    /** Asks for a checkpoint once that many steps were taken. */
    requestAfter?: number;
    /** The command that watches is gone from that step on. */
    lostAfter?: number;
    /** What held-out data says. */
    evaluate?: (step: number) => Record<string, number>;
    evaluateEvery?: number;
    folder?: string;
    loraDropout?: number;
    /** What frozen weights are held as; default: fp32. */
    frozen?: 'fp32' | 'bf16';
    /** What it reads; default: counting texts, all of one source. */
    data?: BatchSource;
    /** Changes the first weights. */
    prepare?: (session: Session) => void;
  } = {},
): Promise<Trained> {
  const { threads = 2, resumeFrom, verb = 'resume', abortAfter, requestAfter, lostAfter, evaluate } = options;
  const engine = await openEngine();
  // measured once: it takes longer than the training
  peak ??= engine.measurePeak({ dtype: 'f32', threads, seconds: 0.1 });
  engine.measurePeak = () => peak!;
  const session = engine.session({ device: 'cpu', threads });
  const keys = { ...tinyTraining, ...training };
  const frozen = storageOf({ dtype: options.frozen ?? 'fp32', quantization: 'none' });
  const storage = options.loraDropout === undefined ? trainingStorage(keys, 'full') : frozen;
  const model = (await buildModel(config)).stored(storage);
  const adapter = options.loraDropout === undefined ? null : adapterOf(model, options.loraDropout);
  const trainable = adapter === null ? model.parameters() : [...adapter.parameters.values()];
  const run: TrainingRun = {
    model,
    adapter,
    objective: languageModel({ auxLossWeight: 0 }),
    trainable,
    data: options.data ?? {
      rows: 24,
      length: 12,
      lengths: [12],
      tokens: 240,
      batch: batchOf,
      describe: (rows) => `rows ${rows}`,
    },
    training: keys,
    seed: 3,
    threads,
  };
  await initializeWeights(model.parameters(), session, { seed: 3, threads, storage });
  if (adapter !== null) await initializeWeights(trainable, session, { seed: 3, threads });
  options.prepare?.(session);
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'sluice-train-'));
  const events: TelemetryEvent[] = [];
  const facts: Record<string, unknown> = {};
  const logs: string[] = [];
  const abort = new AbortController();
  let step = 0;
  await train(run, {
    engine,
    session,
    start: resumeFrom === undefined ? null : { verb, folder: resumeFrom, kind: 'checkpoint' },
    evaluate: evaluate === undefined ? null : async () => evaluate(step),
    evaluateEvery: options.evaluateEvery ?? 0,
    stage: {
      runDirectory: folder,
      signal: abort.signal,
      plainConfig: {},
      takeCheckpointRequest: () => step === requestAfter,
      isWatched: () => lostAfter === undefined || step < lostAfter,
      log: (level, text) => logs.push(`${level}: ${text}`),
      addFact: (key, value) => {
        facts[key] = value;
      },
      emit: (event) => {
        events.push(event);
        if (event.type === 'progress') step = event.step;
        if (event.type === 'progress' && event.step === abortAfter) abort.abort();
      },
    },
  }).catch((error: unknown) => {
    if (abortAfter === undefined) throw error;
  });
  const weights = new Map(
    trainable.map(({ name }) => {
      const { dtype, data } = session.getState(name);
      return [
        name,
        dtype === 'bf16' ? bf16ToF32(data as Uint16Array) : Float32Array.from(data as Float32Array),
      ];
    }),
  );
  return { events, facts, logs, weights, folder, session, run };
}

function adapterOf(model: Model, dropout: number): LoraAdapter {
  const config = { rank: 2, alpha: 4, dropout, targetModules: 'all-linear' as const, rankStabilized: false };
  const adapter = new LoraAdapter(config, { training: true });
  model.parameters({ adapter }); // tracing meets every adapted layer
  return adapter;
}

export const losses = (events: readonly TelemetryEvent[]): number[] =>
  events.flatMap((event) => (event.type === 'progress' ? [event.loss!] : []));

export const largestDifference = (a: Float32Array, b: Float32Array): number =>
  a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0);
