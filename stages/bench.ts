import { saveProgram, type TensorToWrite } from '../src/checkpoint/index.js';
import { openDevice, threadsOf } from '../src/engine/index.js';
import { SluiceError } from '../src/errors.js';
import { describePlan, formatBytes, type Program, type RecomputeMode } from '../src/graph/index.js';
import { buildModel, initializeWeights, LoraAdapter, type Model, storageOf } from '../src/models/index.js';
import type { StageContext, StageDefinition } from '../src/runner/stage.js';
import { median } from '../src/telemetry/median.js';
import { checkMemory, freeMemory, memoryBudget } from '../src/train/memory.js';
import { languageModel } from '../src/train/objectives/language-model.js';
import { measureBandwidth, profileByOp, profileTable } from '../src/train/op-profile.js';
import { adamW } from '../src/train/optim/adamw.js';
import { planRecord } from '../src/train/plan-record.js';
import { describePrediction, type Machine, predict } from '../src/train/predict.js';
import { buildForward, buildStep } from '../src/train/step.js';
import { widenedProducts } from '../src/train/training-run.js';

/** configs/bench.schema.json describes each key. */
export interface BenchConfig {
  seed: number;
  device: string;
  threads: number | null;
  model: Record<string, unknown>;
  /** What to plan for instead of the device; absent: the device. */
  machine?: Machine;
  vocab_size: number;
  batch: number | null;
  length: number;
  dtype: 'fp32' | 'bf16';
  forward: boolean;
  lora: number;
  recompute: RecomputeMode;
  memory_budget: number | null;
  steps: number;
  profile: boolean;
  save_program: string | null;
}

const warmupSteps = 2;
const optimizer = adamW({ beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01 });

export const stage: StageDefinition<BenchConfig> = {
  name: 'bench',

  async run(context) {
    const { config } = context;
    const { steps, profile: profiling } = config;
    const { budget } = await freeMemory(config.device, config.memory_budget);
    const { model, adapter, program, batch } = await prepare(config, budget);
    if (config.save_program !== null) {
      const folder = context.resolvePath(config.save_program);
      saveProgram(folder, {
        text: program.text,
        given: storedInputs(program, randomBatch(config, batch, 0)),
      });
      context.addFact('result', { saved: folder });
      return;
    }
    const plan = planRecord([program], null);
    checkMemory(plan, budget, () => []);
    const { engine, session, threads } = await openDevice(config, context);
    if (config.dtype === 'bf16' && !engine.hasBf16Products) context.log('warning', widenedProducts);
    const baseRss = process.memoryUsage.rss();
    const freeBytes = session.bytes().available;
    const { storage } = model;
    await initializeWeights(model.parameters(), session, { seed: config.seed, threads, storage });
    if (adapter)
      await initializeWeights([...adapter.parameters.values()], session, { seed: config.seed, threads });
    for (const spec of config.forward ? [] : trainable(model, adapter)) {
      for (const moment of optimizer.states(spec)) session.setState(moment, 'f32', spec.shape, null);
    }
    const executable = session.load(program);
    const seconds: number[] = [];
    for (let step = 0; step < warmupSteps + steps; step++) {
      if (context.signal.aborted) throw new SluiceError('interrupted', 'the measurement was interrupted');
      if (step === warmupSteps) executable.setProfiling(profiling);
      const started = performance.now();
      await executable.runWith(randomBatch(config, batch, step));
      const taken = (performance.now() - started) / 1000;
      if (step >= warmupSteps) seconds.push(taken);
      context.emit({
        type: 'progress',
        phase: 'bench',
        step: step + 1,
        totalSteps: warmupSteps + steps,
        tokensPerSecond: (batch * config.length) / taken,
      });
    }
    const peakRss = process.resourceUsage().maxRSS * 1024; // before what is measured below
    const deviceBytes = freeBytes - session.bytes().available;
    session.close();
    const dtype = config.dtype === 'bf16' ? 'bf16' : 'f32';
    const peak = await engine.measurePeak({ dtype, threads, seconds: 1, device: session.device });
    const stepSeconds = median(seconds);
    const flopsPerSecond = program.cost.flops / stepSeconds;
    const profile = profiling
      ? profileByOp(executable, steps, {
          flopsPerSecond: peak,
          bytesPerSecond: await measureBandwidth(engine, { device: session.device, threads }),
        })
      : undefined;
    if (profile) context.emit(profileTable(profile));
    context.addFact('result', {
      tokens_per_second: (batch * config.length) / stepSeconds,
      step_seconds: stepSeconds,
      flops_per_second: flopsPerSecond,
      mfu: flopsPerSecond / peak,
      base_rss_bytes: baseRss,
      peak_rss_bytes: peakRss,
      ...(session.device !== 'cpu' && { device_bytes: deviceBytes }),
      planned_bytes: plan.planned_bytes,
      ...(config.machine && { predicted_seconds: predict(program, config.machine).seconds }),
      ...(profile && { profile }),
    });
  },

  async plan(context: StageContext<BenchConfig>) {
    const { config } = context;
    const { machine, memory_budget: given } = config;
    const { budget, of } = machine
      ? { budget: memoryBudget(given, null, machine.memory_bytes), of: machine.name }
      : await freeMemory(config.device, given);
    const { program, batch } = await prepare(config, budget);
    const lines = [`memory: ${formatBytes(budget)} may be used (${of})`];
    if (machine) {
      const tokens = batch * config.length;
      lines.push(describePrediction(predict(program, machine), { program, machine, tokens }));
    }
    return [...lines, describePlan('bench step', program)].join('\n');
  },
};

/** The inputs of the step as native/runner reads them. */
function storedInputs(program: Program, batch: ReturnType<typeof randomBatch>): TensorToWrite[] {
  return program.inputs.map(({ name, dtype, shape }) => {
    const data = batch[name as keyof typeof batch];
    return { name: `input ${name}`, dtype: dtype === 'i32' ? 'I32' : 'F32', shape, data };
  });
}

/** The model, its adapter, and the one program of a whole step. */
async function prepare(config: BenchConfig, budget: number) {
  const built = await buildModel({ ...config.model, vocab_size: config.vocab_size }, 'model');
  // weights that adapters leave as they are: held as the products read them
  const frozen = storageOf({ dtype: config.dtype, quantization: 'none' });
  const model = config.lora > 0 || config.forward ? built.stored(frozen) : built;
  const adapter = config.lora > 0 ? adapterOf(model, config.lora) : null;
  const width = Number(config.model.hidden_size ?? config.model.n_embd);
  const batch = config.batch ?? (width >= 512 ? 4 : 8);
  const options = {
    model,
    objective: languageModel({ auxLossWeight: 0 }),
    adapter,
    batch,
    length: config.length,
    threads: threadsOf(config),
    dtype: config.dtype,
  };
  if (config.forward) return { model, adapter, program: buildForward(options), batch };
  const { update: program } = buildStep({
    ...options,
    trainable: trainable(model, adapter),
    accumulation: 1,
    optimizer,
    maxGradNorm: 1,
    recompute: config.recompute,
    memoryBudget: budget,
  });
  return { model, adapter, program, batch };
}

function adapterOf(model: Model, rank: number): LoraAdapter {
  const adapter = new LoraAdapter({
    rank,
    alpha: 2 * rank,
    dropout: 0,
    targetModules: 'all-linear',
    rankStabilized: false,
  });
  model.parameters({ adapter }); // tracing meets every adapted layer
  return adapter;
}

const trainable = (model: Model, adapter: LoraAdapter | null) =>
  adapter ? [...adapter.parameters.values()] : model.parameters();

/** Tokens from a linear congruence over seed and step: random enough for a table lookup, the same everywhere. */
function randomBatch(config: BenchConfig, rows: number, step: number) {
  const { length, vocab_size: vocabulary, seed } = config;
  const count = rows * length;
  let state = (seed * 7919 + step * 104729 + 1) >>> 0;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0);
  const ids = Int32Array.from({ length: count }, () => Math.floor((next() / 2 ** 32) * vocabulary));
  const labels = Int32Array.from(ids, (_, i) => ((i + 1) % length === 0 ? -100 : ids[i + 1]!));
  return {
    input_ids: ids,
    segment_ids: new Int32Array(count).fill(1),
    positions: Int32Array.from(ids, (_, i) => i % length),
    labels,
    loss_scale: Float32Array.of(1 / (rows * (length - 1))),
    optimizer: Float32Array.of(1e-4, step + 1),
  };
}
