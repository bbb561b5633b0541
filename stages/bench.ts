import { saveProgram } from '../src/checkpoint/index.js';
import { isCpu, openDevice, openEngine, threadsOf } from '../src/engine/index.js';
import { SluiceError } from '../src/errors.js';
import { describePlan, formatBytes, type RecomputeMode } from '../src/graph/index.js';
import { timeDecoding } from '../src/infer/index.js';
import {
  buildModel,
  initializeWeights,
  LoraAdapter,
  type Model,
  type StorageKeys,
  storageOf,
} from '../src/models/index.js';
import type { StageContext, StageDefinition } from '../src/runner/stage.js';
import { median } from '../src/telemetry/median.js';
import { compareProducts, comparisonTable, ratioOfAll } from '../src/train/compare-products.js';
import { checkMemory, collectGarbage, freeMemory, memoryBudget } from '../src/train/memory.js';
import { cutStep, type MicroBatches } from '../src/train/micro-batches.js';
import { languageModel } from '../src/train/objectives/language-model.js';
import { measureBandwidth, profileByOp, profileTable } from '../src/train/op-profile.js';
import { adamW } from '../src/train/optim/adamw.js';
import { planRecord } from '../src/train/plan-record.js';
import { describePrediction, type Machine, predict } from '../src/train/predict.js';
import { randomBatch, rowsOfPart, storedInputs } from '../src/train/random-batch.js';
import { buildForward, gradientName, programsOfStep, type StepPrograms } from '../src/train/step.js';
import { stepProducts } from '../src/train/step-products.js';
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
  state_dtype: 'auto' | 'fp32' | 'bf16';
  forward: boolean;
  lora: number;
  recompute: RecomputeMode;
  memory_budget: number | null;
  micro_batches: MicroBatches;
  steps: number;
  profile: boolean;
  measure: 'step' | 'products' | 'decode';
  quantization: StorageKeys['quantization'];
  save_program: string | null;
}

const warmupSteps = 2;
const numbers = { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01 };

export const stage: StageDefinition<BenchConfig> = {
  name: 'bench',

  async run(context) {
    const { config } = context;
    if (config.measure === 'products') return measureProducts(context);
    if (config.measure === 'decode') return measureDecoding(context);
    const { steps, profile: profiling } = config;
    const { budget } = await freeMemory(config.device, config.memory_budget);
    const prepared = await prepare(config, budget);
    const { model, adapter, optimizer, microBatches, programs, batch } = prepared;
    const { micro, update } = programs;
    if (config.save_program !== null) {
      const folder = context.resolvePath(config.save_program);
      saveProgram(folder, {
        text: update.text,
        given: storedInputs(update, randomBatch(config, batch, 0)),
      });
      context.addFact('result', { saved: folder });
      return;
    }
    const plan = planRecord(programsOfStep(programs), null);
    checkMemory(plan, budget, () => []);
    const { engine, session, threads } = await openDevice(config, context);
    if (config.dtype === 'bf16' && !engine.hasBf16Products) context.log('warning', widenedProducts);
    await collectGarbage();
    const baseRss = process.memoryUsage.rss();
    const freeBytes = session.bytes().available;
    const { storage } = model;
    await initializeWeights(model.parameters(), session, { seed: config.seed, threads, storage });
    if (adapter)
      await initializeWeights([...adapter.parameters.values()], session, { seed: config.seed, threads });
    for (const spec of config.forward ? [] : trainable(model, adapter)) {
      for (const moment of optimizer.states(spec))
        session.setState(moment, optimizer.stateDtype, spec.shape, null);
      if (micro !== null) session.setState(gradientName(spec.name), 'f32', spec.shape, null);
    }
    const parts = partsOf(programs, microBatches).map(({ program, runs }) => ({
      executable: session.load(program),
      runs,
    }));
    await collectGarbage();
    const seconds: number[] = [];
    for (let step = 0; step < warmupSteps + steps; step++) {
      if (context.signal.aborted) throw new SluiceError('interrupted', 'the measurement was interrupted');
      if (step === warmupSteps) for (const { executable } of parts) executable.setProfiling(profiling);
      const started = performance.now();
      const inputs = randomBatch(config, batch, step);
      for (const { executable, runs } of parts) {
        for (let part = 0; part < runs; part++) await executable.runWith(rowsOfPart(inputs, part, runs));
      }
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
    const flops = parts.reduce((sum, { executable, runs }) => sum + runs * executable.program.cost.flops, 0);
    const flopsPerSecond = flops / stepSeconds;
    const profile = profiling
      ? profileByOp(parts, steps, {
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
      micro_batches: microBatches,
      state_dtype: prepared.state_dtype,
      base_rss_bytes: baseRss,
      peak_rss_bytes: peakRss,
      ...(session.device !== 'cpu' && { device_bytes: deviceBytes }),
      planned_bytes: plan.planned_bytes,
      ...(config.machine && {
        predicted_seconds: predict(partsOf(programs, microBatches), config.machine).seconds,
      }),
      ...(profile && { profile }),
    });
  },

  async plan(context: StageContext<BenchConfig>) {
    const { config } = context;
    const { machine, memory_budget: given } = config;
    const { budget, of } = machine
      ? { budget: memoryBudget(given, null, machine.memory_bytes), of: machine.name }
      : await freeMemory(config.device, given);
    const { microBatches, programs, batch } = await prepare(config, budget);
    const lines = [`memory: ${formatBytes(budget)} may be used (${of})`];
    if (machine) {
      const tokens = batch * config.length;
      lines.push(describePrediction(predict(partsOf(programs, microBatches), machine), { machine, tokens }));
    }
    const { micro, update } = programs;
    if (micro === null) return [...lines, describePlan('bench step', update)].join('\n');
    const { planned_bytes, state_bytes, arena_bytes } = planRecord([micro, update], null);
    const parts = `states ${formatBytes(state_bytes)}, arena ${formatBytes(arena_bytes)}`;
    lines.push(
      `planned: ${formatBytes(planned_bytes)} for both programs (${parts})`,
      describePlan(`bench pass, ${microBatches} to a step`, micro),
      describePlan('bench update', update),
    );
    return lines.join('\n');
  },
};

/** Every product of the step, by the engine's own op and by the product library alone. */
async function measureProducts(context: StageContext<BenchConfig>): Promise<void> {
  const { config, signal } = context;
  if (!isCpu(config.device)) {
    throw new SluiceError(
      'config.device',
      `measure=products compares products of the CPU, not of ${config.device}`,
      {
        hint: 'device=cpu',
      },
    );
  }
  const { budget } = await freeMemory(config.device, config.memory_budget);
  const { programs, microBatches } = await prepare(config, budget);
  const products = stepProducts(partsOf(programs, microBatches));
  const engine = await openEngine();
  const onProduct = (done: number) =>
    context.emit({ type: 'progress', phase: 'products', step: done, totalSteps: products.length });
  const compared = await compareProducts(engine, products, { threads: threadsOf(config), onProduct, signal });
  if (signal.aborted) throw new SluiceError('interrupted', 'the measurement was interrupted');
  context.emit(comparisonTable(compared));
  const { matmul, matmulVersion } = engine.info;
  context.addFact('result', {
    library: matmul === 'onednn' ? `oneDNN ${matmulVersion}` : null,
    ratio: ratioOfAll(compared),
    products: compared,
  });
}

const decodeTurns = 5;

/** A row decoded token by token: the rate at which weights are read, beside a plain read of memory. */
async function measureDecoding(context: StageContext<BenchConfig>): Promise<void> {
  const { config, signal } = context;
  const built = await buildModel({ ...config.model, vocab_size: config.vocab_size }, 'model');
  const model = built.stored(storageOf(config));
  const { engine, session, threads } = await openDevice(config, context);
  const options = { threads, turns: decodeTurns, steps: config.steps, signal };
  const times = await timeDecoding(engine, session, model, options);
  session.close();
  if (signal.aborted) throw new SluiceError('interrupted', 'the measurement was interrupted');
  const [seconds, fastest] = [median(times.steps), Math.min(...times.steps)];
  const [memory, best] = [median(times.reads), Math.max(...times.reads)];
  context.addFact('result', {
    tokens_per_second: 1 / seconds,
    step_seconds: seconds,
    fastest_step_seconds: fastest,
    bytes_per_token: times.stepBytes,
    gbytes_per_second: times.stepBytes / seconds / 1e9,
    memory_gbytes_per_second: memory / 1e9,
    share: times.stepBytes / seconds / memory,
    fastest_share: times.stepBytes / fastest / best,
    other_ops_share: times.otherShare,
  });
}

/** The model, its adapter, and the programs of a step. Throws `config.state_dtype`, `config.micro_batches`. */
async function prepare(config: BenchConfig, budget: number) {
  const { dtype, lora } = config;
  // PyTorch's side of docs/performance.md has all of a model in one dtype; adapters are few
  const state_dtype = config.state_dtype !== 'auto' ? config.state_dtype : lora > 0 ? 'fp32' : dtype;
  if (state_dtype === 'bf16' && dtype !== 'bf16') {
    throw new SluiceError('config.state_dtype', `state_dtype=bf16 goes with dtype=bf16, not ${dtype}`, {
      hint: 'set both, or leave state_dtype out',
    });
  }
  const built = await buildModel({ ...config.model, vocab_size: config.vocab_size }, 'model');
  // weights that adapters leave as they are: held as the products read them
  const held = lora > 0 || config.forward ? dtype : state_dtype;
  const model = built.stored(storageOf({ dtype: held, quantization: 'none' }));
  const adapter = lora > 0 ? adapterOf(model, lora) : null;
  const optimizer = adamW(numbers, {
    state_dtype,
    main_params_dtype: state_dtype,
    bf16_stochastic_round: true,
  });
  const width = Number(config.model.hidden_size ?? config.model.n_embd);
  const batch = config.batch ?? (width >= 512 ? 4 : 8);
  const options = {
    model,
    objective: languageModel({ auxLossWeight: 0 }),
    adapter,
    length: config.length,
    threads: threadsOf(config),
    dtype,
  };
  const known = { model, adapter, optimizer, batch, state_dtype };
  if (config.forward) {
    const forward = { micro: null, update: buildForward({ ...options, batch }) };
    return { ...known, microBatches: 1, programs: forward };
  }
  const step = cutStep(oneProgram(config) ? 1 : config.micro_batches, config.machine?.name ?? config.device, {
    ...options,
    rows: batch,
    trainable: trainable(model, adapter),
    optimizer,
    maxGradNorm: 1,
    recompute: config.recompute,
    memoryBudget: budget,
  });
  return { ...known, ...step };
}

/** What is saved is one program: a step that is not cut. Throws `config.micro_batches`. */
function oneProgram({ save_program, micro_batches }: BenchConfig): boolean {
  if (save_program === null) return false;
  if (micro_batches === 'auto' || micro_batches === 1) return true;
  throw new SluiceError('config.micro_batches', 'save_program saves one program, a step that is not cut', {
    hint: 'leave micro_batches out, or set it to 1',
  });
}

/** The programs of a step, and how often it runs them. */
const partsOf = ({ micro, update }: StepPrograms, microBatches: number) => [
  ...(micro === null ? [] : [{ program: micro, runs: microBatches }]),
  { program: update, runs: 1 },
];

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
