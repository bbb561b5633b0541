import { join } from 'node:path';
import { instantiate } from '../src/config/instantiate/instantiate.js';
import { openPacked } from '../src/data/index.js';
import { openDevice, threadsOf } from '../src/engine/index.js';
import { meanLoss } from '../src/evaluate/index.js';
import { buildModel, initializeWeights, saveModelFolder } from '../src/models/index.js';
import type { StageContext, StageDefinition } from '../src/runner/stage.js';
import { Tokenizer } from '../src/text/index.js';
import {
  compileRun,
  describeRun,
  type MakeObjective,
  type StartKeys,
  startOf,
  type TrainingConfig,
  type TrainingRun,
  train,
} from '../src/train/index.js';

/** configs/pretrain.schema.json describes each key. */
export interface PretrainConfig extends StartKeys {
  seed: number;
  device: string;
  threads: number | null;
  model: Record<string, unknown>;
  /** A folder that `prepare` made: train/, validation/ and tokenizer/. */
  dataset: { data_path: string };
  training: TrainingConfig & { objective: object; evaluate_every: number; evaluation_batches: number };
}

export const stage: StageDefinition<PretrainConfig> = {
  name: 'pretrain',

  async run(context) {
    const { config } = context;
    const { run, tokenizerFolder, validation } = await prepareRun(context);
    const device = await openDevice(config);
    await initializeWeights(run.model.parameters(), device.session, {
      seed: config.seed,
      threads: device.threads,
    });
    const result = await train(run, {
      ...device,
      stage: context,
      start: startOf(context),
      evaluateEvery: config.training.evaluate_every,
      evaluate: async () => {
        const { loss, accuracy } = await meanLoss(run.model, device.session, validation, {
          batchSize: config.training.per_device_batch_size,
          batches: config.training.evaluation_batches,
          threads: device.threads,
        });
        return { 'validation/loss': loss, 'validation/accuracy': accuracy };
      },
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
    const { run } = await prepareRun(context);
    return describeRun(run, compileRun(run));
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
  const dataFolder = context.resolvePath(config.dataset.data_path);
  context.addInput('data', dataFolder);
  const tokenizerFolder = join(dataFolder, 'tokenizer');
  const tokenizer = Tokenizer.open(tokenizerFolder);
  const data = openPacked(join(dataFolder, 'train'), { tokenizerSha256: tokenizer.sha256 });
  const validation = openPacked(join(dataFolder, 'validation'), { tokenizerSha256: tokenizer.sha256 });
  const model = await buildModel(
    {
      ...config.model,
      vocab_size: tokenizer.vocabSize,
      bos_token_id: tokenizer.bosId,
      eos_token_id: tokenizer.eosId,
      pad_token_id: tokenizer.padId,
    },
    'model',
  );
  const run: TrainingRun = {
    model,
    adapter: null,
    objective: makeObjective({ model, adapter: null }),
    trainable: model.parameters(),
    data,
    training: config.training,
    seed: config.seed,
    threads: threadsOf(config),
  };
  return { run, tokenizerFolder, validation };
}
