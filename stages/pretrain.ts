import { join } from 'node:path';
import { instantiate } from '../src/config/instantiate/instantiate.js';
import { mixtureOf, openPacked } from '../src/data/index.js';
import { openDevice, threadsOf } from '../src/engine/index.js';
import { buildModel, initializeWeights, saveModelFolder, saveModelStandIn } from '../src/models/index.js';
import type { StageContext, StageDefinition } from '../src/runner/stage.js';
import { Tokenizer } from '../src/text/index.js';
import {
  checkStart,
  describeRun,
  type EvaluationKeys,
  evaluation,
  type MakeObjective,
  type MixtureKeys,
  type PhaseKeys,
  type StartKeys,
  sourcesOf,
  startOf,
  type TrainingConfig,
  type TrainingRun,
  train,
  trainingData,
  trainingStorage,
} from '../src/train/index.js';

/** configs/pretrain.schema.json describes each key. */
export interface PretrainConfig extends StartKeys {
  seed: number;
  device: string;
  threads: number | null;
  model: Record<string, unknown>;
  /** Folders that `prepare` made: train/, validation/ and tokenizer/. */
  dataset: { data_path: string | null; mixture: MixtureKeys | null; phases: PhaseKeys[] | null };
  training: TrainingConfig & EvaluationKeys & { objective: object };
}

export const stage: StageDefinition<PretrainConfig> = {
  name: 'pretrain',

  async run(context) {
    const { config } = context;
    const { run, tokenizerFolder, validation } = await prepareRun(context);
    const device = await openDevice(config, context);
    await initializeWeights(run.model.parameters(), device.session, {
      seed: config.seed,
      threads: device.threads,
      storage: run.model.storage,
    });
    const result = await train(run, {
      ...device,
      stage: context,
      start: startOf(context),
      ...evaluation(run, device.session, validation, config.training),
    });

    const folder = join(context.runDirectory, 'model');
    saveModelFolder(run.model, device.session, folder, { tokenizerFolder });
    context.addOutput('model', folder);
    context.emit({
      type: 'table',
      title: 'Pretraining',
      columns: ['steps', 'tokens', 'training loss', 'validation loss', 'tokens/s', 'MFU'],
      rows: [
        [
          result.steps,
          result.tokens,
          result.loss.toFixed(3),
          result.evaluation['validation/loss']!.toFixed(3),
          Math.round(result.tokensPerSecond),
          `${(100 * result.mfu).toFixed(1)} %`,
        ],
      ],
    });
  },

  async plan(context) {
    const { run, tokenizerFolder } = await prepareRun(context);
    const folder = join(context.runDirectory, 'model');
    saveModelStandIn(run.model, folder, { tokenizerFolder });
    context.addOutput('model', folder);
    checkStart(startOf(context), run);
    return describeRun(run, context.config.device);
  },
};

async function prepareRun(context: StageContext<PretrainConfig>) {
  const { config, registries } = context;
  const makeObjective = await instantiate<unknown, MakeObjective>(
    config.training.objective,
    registries.objectives,
    {
      path: 'training.objective',
    },
  );
  const folders = sourcesOf(config.dataset).map(([name, { data_path, rate }]) => {
    const folder = context.resolvePath(data_path);
    context.addInput(config.dataset.mixture === null ? 'data' : name, folder);
    return { name, rate, folder };
  });
  const tokenizerFolder = join(folders[0]!.folder, 'tokenizer');
  const tokenizer = Tokenizer.open(tokenizerFolder);
  const [sources, heldOut] = ['train', 'validation'].map((split) =>
    folders.map(({ name, rate, folder }) => {
      return { name, rate, data: openPacked(join(folder, split), { tokenizerSha256: tokenizer.sha256 }) };
    }),
  );
  const built = await buildModel(
    {
      ...config.model,
      vocab_size: tokenizer.vocabSize,
      bos_token_id: tokenizer.bosId,
      eos_token_id: tokenizer.eosId,
      pad_token_id: tokenizer.padId,
    },
    'model',
  );
  const model = built.stored(trainingStorage(config.training, 'full'));
  const run: TrainingRun = {
    model,
    adapter: null,
    objective: makeObjective({ model, adapter: null }),
    trainable: model.parameters(),
    data: trainingData(sources!, config.dataset.phases, config.training),
    training: config.training,
    seed: config.seed,
    threads: threadsOf(config),
  };
  return { run, tokenizerFolder, validation: mixtureOf(heldOut!) };
}
