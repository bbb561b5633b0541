import { dirname, join } from 'node:path';
import { instantiate } from '../src/config/instantiate/instantiate.js';
import { openInstructions, Random, writeJsonLines } from '../src/data/index.js';
import { openDevice, threadsOf } from '../src/engine/index.js';
import { describePlan, typeBytes } from '../src/graph/index.js';
import { loadAdapter, registerTrash, type Trash } from '../src/models/index.js';
import type { StageContext, StageDefinition } from '../src/runner/stage.js';
import {
  countDirt,
  type GateConfig,
  loadRouterWeights,
  loadSelector,
  openSelector,
  readRouterInfo,
  readTruth,
  type Selector,
  scoreSamples,
  scoringProgram,
  writeSelection,
} from '../src/select/index.js';
import { Tokenizer } from '../src/text/index.js';
import { type RowsConfig, rowsOf } from '../src/train/index.js';

/** configs/stage_2_selection.schema.json describes each key. */
export interface SelectionConfig {
  seed: number;
  device: string;
  threads: number | null;
  model_checkpoint_path: string;
  selector_model: { path: string };
  selector: object;
  dataset: RowsConfig;
  scoring: { batch_size: number };
  truth_path: string | null;
}

export const stage: StageDefinition<SelectionConfig> = {
  name: 'stage_2_selection',

  async run(context) {
    const { config, registries } = context;
    const select = await instantiate<unknown, Selector>(config.selector, registries.selectors, {
      path: 'selector',
    });
    const folder = context.resolvePath(config.selector_model.path);
    const weights = context.resolvePath(config.model_checkpoint_path);
    const dataPath = context.resolvePath(config.dataset.data_path);
    const truthPath = config.truth_path === null ? null : context.resolvePath(config.truth_path);
    context.addInput('selector_model', folder);
    context.addInput('weights', weights);
    context.addInput('dataset', dataPath);
    if (truthPath !== null) context.addInput('truth', truthPath);

    const info = readRouterInfo(weights, folder);
    await registerCustomTrash(info.gates, registries);
    const model = await openSelector(folder, info.gates);
    const { session, threads } = await openDevice(config, context);
    await loadSelector(model, folder, session, { seed: config.seed, threads });
    loadRouterWeights(weights, model, session);
    const adapterFolder = info.adapter === null ? null : join(dirname(weights), info.adapter);
    if (adapterFolder !== null) context.addInput('adapter', adapterFolder);
    const adapter = adapterFolder === null ? null : loadAdapter(adapterFolder, model, session);

    const pool = await openInstructions(
      { ...rowsOf(config.dataset, dataPath), dropWithoutTargets: false },
      Tokenizer.open(folder),
    );
    const started = performance.now();
    const tokens = pool.samples.reduce((sum, sample) => sum + sample.tokens, 0);
    const scores = await scoreSamples(model, session, pool, {
      adapter,
      batchSize: config.scoring.batch_size,
      threads,
      seed: config.seed,
      signal: context.signal,
      onProgress(done, total) {
        const seconds = (performance.now() - started) / 1000;
        const tokensPerSecond = (tokens * done) / total / seconds;
        const etaSeconds = (seconds / done) * (total - done);
        context.emit({
          type: 'progress',
          phase: 'score rows',
          step: done,
          totalSteps: total,
          tokensPerSecond,
          etaSeconds,
        });
      },
    });

    const kept = select({ samples: pool.samples, scores, seed: config.seed });
    const order = Array.from({ length: pool.samples.length }, (_, i) => i);
    const random = new Random(config.seed, 'random selection').shuffle(order).slice(0, kept.length);
    const truth = truthPath === null ? null : readTruth(truthPath);
    writeSelection(context.runDirectory, { samples: pool.samples, scores, kept, random, truth });
    const file = (name: string) => join(context.runDirectory, name);
    context.addOutput('selected_data', file('selected_data.jsonl'));
    context.addOutput('random_data', file('random_data.jsonl'));
    context.addOutput('scores', file('scores.jsonl'));
    context.addOutput('router_data', file('router_data'));
    reportSelection(context, { pool, scores, kept, random, truth });
  },

  async plan(context) {
    const { config, registries } = context;
    const folder = context.resolvePath(config.selector_model.path);
    const { gates } = readRouterInfo(context.resolvePath(config.model_checkpoint_path), folder);
    await registerCustomTrash(gates, registries);
    const model = await openSelector(folder, gates);
    const { max_sequence_length: length } = config.dataset;
    const options = { adapter: null, threads: threadsOf(config) };
    const { batch_size } = config.scoring;
    const { program } = scoringProgram(model, batch_size, length, options);
    const dataPath = context.resolvePath(config.dataset.data_path);
    const pool = await openInstructions(
      { ...rowsOf(config.dataset, dataPath), dropWithoutTargets: false },
      Tokenizer.open(folder),
    );
    await writeStandIns(context, pool.samples);
    const states = program.states.reduce((sum, state) => sum + typeBytes(state), 0);
    return {
      text: describePlan('scoring pass', program),
      plannedBytes: states + program.arenaBytes + program.inputBytes,
      flops: program.cost.flops * Math.ceil(pool.rows / batch_size),
    };
  },
};

/** As many rows of the pool as the selector will keep: for any scores, unless it goes by their values. */
async function writeStandIns(
  { config, registries, runDirectory, addOutput }: StageContext<SelectionConfig>,
  samples: Parameters<Selector>[0]['samples'],
): Promise<void> {
  if ((config.selector as { _target_: string })._target_ === 'threshold') return;
  const select = await instantiate<unknown, Selector>(config.selector, registries.selectors, {
    path: 'selector',
  });
  const score = Float64Array.from(samples, (_, i) => 1 - i / samples.length);
  const none = new Float32Array(0);
  const scores = { score, layers: none, moeLogits: none, layerCount: 0, expertCount: 0 };
  const kept = select({ samples, scores, seed: config.seed });
  const rows = kept.map((index) => {
    const { dataset, id, messages } = samples[index]!;
    return { dataset, id, messages };
  });
  for (const name of ['selected_data', 'random_data']) {
    writeJsonLines(join(runDirectory, `${name}.jsonl`), rows);
    addOutput(name, `${name}.jsonl`);
  }
}

/** The weights name the function that they were trained with. */
async function registerCustomTrash(
  { trash_expert_mode, trash_expert_name }: GateConfig,
  { trashExperts }: StageContext['registries'],
): Promise<void> {
  if (trash_expert_mode !== 'custom') return;
  const named = { _target_: trash_expert_name };
  const path = 'trash expert of the router weights';
  registerTrash(trash_expert_name!, await instantiate<unknown, Trash>(named, trashExperts, { path }));
}

function reportSelection(
  context: StageContext<SelectionConfig>,
  {
    pool,
    scores,
    kept,
    random,
    truth,
  }: {
    pool: Awaited<ReturnType<typeof openInstructions>>;
    scores: { score: Float64Array };
    kept: readonly number[];
    random: readonly number[];
    truth: Parameters<typeof countDirt>[1] | null;
  },
): void {
  const all = pool.samples.map((_, i) => i);
  const mean = (indices: readonly number[]) =>
    (indices.reduce((sum, i) => sum + scores.score[i]!, 0) / indices.length).toFixed(4);
  const dirtIn = (indices: readonly number[]) => {
    const ids = indices.map((i) => pool.samples[i]!.id);
    const { dirty, known } = countDirt(ids, truth!);
    return [dirty, `${((100 * dirty) / known).toFixed(1)} %`];
  };
  const row = (name: string, indices: readonly number[]) => [
    ...[name, indices.length, mean(indices)],
    ...(truth === null ? [] : dirtIn(indices)),
  ];
  const compared =
    truth === null ? '' : `, ${dirtIn(kept)[1]} of them dirty, ${dirtIn(random)[1]} of a random choice`;
  context.log('info', `kept ${kept.length} of ${all.length} rows${compared}`);
  context.emit({
    type: 'table',
    title: 'Selection',
    columns: ['rows', 'count', 'mean score', ...(truth === null ? [] : ['dirty', 'share of dirt'])],
    rows: [row('pool', all), row('selected', kept), row('random choice', random)],
  });
  const datasets = [...new Set(pool.samples.map(({ dataset }) => dataset))].sort();
  const countIn = (indices: readonly number[], dataset: string) =>
    indices.filter((i) => pool.samples[i]!.dataset === dataset).length;
  context.emit({
    type: 'table',
    title: 'Selected by dataset',
    columns: ['dataset', 'pool', 'selected', 'random choice'],
    rows: datasets.map((name) => [name, countIn(all, name), countIn(kept, name), countIn(random, name)]),
  });
}
