import type { Dataset } from '../data/index.js';
import type { Executable, Session } from '../engine/index.js';
import { compile, Graph } from '../graph/index.js';
import { batchInputs, LoraAdapter, rngInput } from '../models/index.js';
import { rowsPerPass, type TrainingRun } from './compile-run.js';

/** The keys of `training` that say when and on how much a run is evaluated. */
export interface EvaluationKeys {
  /** Steps; 0: only at the end. */
  evaluate_every: number;
  /** Passes over held-out rows per evaluation. */
  evaluation_batches: number;
}

/** What `train` needs to evaluate a run on held-out rows; without any it does not. */
export function evaluation(
  run: TrainingRun,
  session: Session,
  data: Dataset | null,
  keys: EvaluationKeys,
): { evaluate: HeldOut | null; evaluateEvery: number } {
  if (data === null) return { evaluate: null, evaluateEvery: 0 };
  const options = {
    batchSize: rowsPerPass(run),
    batches: keys.evaluation_batches,
    threads: run.threads,
  };
  return { evaluate: heldOut(run, session, data, options), evaluateEvery: keys.evaluate_every };
}

export interface HeldOutOptions {
  /** Rows per pass. */
  batchSize: number;
  /** At most so many passes; the first rows, in their own order. */
  batches: number;
  threads: number;
}

/** Figures of held-out rows, named as they are logged. */
export type HeldOut = () => Promise<Record<string, number>>;

/**
 * What the objective says of held-out rows: the same terms as in training, over all their targets, without dropout and in
 * fp32. `validation/loss` is the language model's part (nats per target) of an objective that has one, `validation/total_loss`
 * the whole where that is more.
 */
export function heldOut(run: TrainingRun, session: Session, data: Dataset, options: HeldOutOptions): HeldOut {
  const { batchSize } = options;
  const batches = Math.min(options.batches, Math.ceil(data.rows / batchSize));
  let loaded: { executable: Executable; targets: number } | undefined;
  return async () => {
    loaded ??= {
      executable: session.load(forward(run, data, options, batches)),
      targets: sum(Array.from({ length: batches }, (_, i) => data.inOrder(i, batchSize).targets)),
    };
    const values: Record<string, number> = {};
    for (let i = 0; i < batches; i += 1) {
      const batch = data.inOrder(i, batchSize);
      const outputs = await loaded.executable.runWith({
        input_ids: batch.inputIds,
        segment_ids: batch.segmentIds,
        positions: batch.positions,
        labels: batch.labels,
        loss_scale: Float32Array.of(1 / loaded.targets),
        rng: rngInput(run.seed, i),
      });
      for (const [name, value] of Object.entries(outputs)) values[name] = (values[name] ?? 0) + value[0]!;
    }
    return named(values);
  };
}

function forward(run: TrainingRun, data: Dataset, { batchSize, threads }: HeldOutOptions, batches: number) {
  const graph = new Graph();
  const inputs = batchInputs(graph, batchSize, data.length);
  const adapter = run.adapter === null ? null : new LoraAdapter(run.adapter.config);
  const { loss, metrics } = run.objective.build({
    output: run.model.forward(inputs, { adapter }),
    labels: graph.input('labels', 'i32', [batchSize, data.length]),
    segmentIds: inputs.segmentIds,
    lossScale: graph.input('loss_scale', 'f32', [1]),
    microShare: 1 / batches,
  });
  graph.output('loss', loss);
  for (const [name, value] of Object.entries(metrics)) graph.output(name, value);
  return compile(graph, { threads });
}

function named({ loss, lm_loss, ...others }: Record<string, number>): Record<string, number> {
  const all = { loss: lm_loss ?? loss!, ...others };
  const whole = lm_loss === undefined || lm_loss === loss ? all : { ...all, total_loss: loss! };
  return Object.fromEntries(Object.entries(whole).map(([name, value]) => [`validation/${name}`, value]));
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
