import { join } from 'node:path';
import { instantiate } from '../src/config/instantiate/instantiate.js';
import { openInstructions } from '../src/data/index.js';
import { openDevice, threadsOf } from '../src/engine/index.js';
import { SluiceError } from '../src/errors.js';
import {
  checkWeights,
  initializeWeights,
  loadModel,
  loadWeights,
  type StorageKeys,
  saveModelFolder,
  savePeftFolder,
} from '../src/models/index.js';
import type { StageContext, StageDefinition } from '../src/runner/stage.js';
import { Tokenizer } from '../src/text/index.js';
import {
  checkStart,
  describeRun,
  type EvaluationKeys,
  evaluation,
  type LoraKeys,
  loraFor,
  type MakeObjective,
  openTrainingRows,
  type PeftMode,
  type StartKeys,
  startOf,
  type TrainingConfig,
  type TrainingRowsConfig,
  type TrainingRun,
  train,
  trainableParameters,
  trainingStorage,
  trainingTable,
} from '../src/train/index.js';

/** configs/stage_3_finetune.schema.json describes each key. */
export interface FinetuneConfig extends StartKeys {
  seed: number;
  device: string;
  threads: number | null;
  model_checkpoint_path: string;
  quantization: StorageKeys['quantization'];
  dataset: TrainingRowsConfig;
  training: TrainingConfig &
    EvaluationKeys & {
      objective: object;
      peft_mode: PeftMode;
      loss_on: 'all' | 'answers';
      lora: LoraKeys;
    };
}

export const stage: StageDefinition<FinetuneConfig> = {
  name: 'stage_3_finetune',

  async run(context) {
    const { config } = context;
    const { folder, run, validation } = await prepareRun(context);
    const device = await openDevice(config, context);
    const { session, threads } = device;
    loadWeights(run.model, folder, session);
    if (run.adapter !== null) {
      await initializeWeights([...run.adapter.parameters.values()], session, { seed: config.seed, threads });
    }
    const result = await train(run, {
      ...device,
      stage: context,
      start: startOf(context),
      ...evaluation(run, session, validation, config.training),
    });

    if (run.adapter === null) {
      saveModelFolder(run.model, session, join(context.runDirectory, 'model'), { tokenizerFolder: folder });
      context.addOutput('model', join(context.runDirectory, 'model'));
    } else {
      savePeftFolder(run.adapter, session, join(context.runDirectory, 'adapter'), folder);
      context.addOutput('adapter', join(context.runDirectory, 'adapter'));
    }
    context.emit(trainingTable('Finetuning', run, result));
  },

  async plan(context) {
    const { folder, run } = await prepareRun(context);
    checkWeights(run.model, folder);
    checkStart(startOf(context), run);
    return describeRun(run, context.config.device);
  },
};

async function prepareRun(context: StageContext<FinetuneConfig>) {
  const { config, registries } = context;
  const { training } = config;
  const makeObjective = await instantiate<unknown, MakeObjective>(training.objective, registries.objectives, {
    path: 'training.objective',
  });
  const folder = context.resolvePath(config.model_checkpoint_path);
  context.addInput('model', folder);
  if (config.quantization !== 'none' && training.peft_mode !== 'lora') {
    throw new SluiceError(
      'config.quantization',
      `quantization=${config.quantization} freezes the weights that training.peft_mode=${training.peft_mode} trains`,
      { hint: 'use training.peft_mode=lora, or quantization=none' },
    );
  }
  // weights that adapters leave as they are: held as the products read them
  const dtype = training.peft_mode === 'lora' ? training.dtype : 'fp32';
  const storage = trainingStorage(training, training.peft_mode, { dtype, quantization: config.quantization });
  const model = (await loadModel(folder)).stored(storage);
  const tokenizer = Tokenizer.open(folder);
  const { data, validation } = await openTrainingRows(config.dataset, training, context, (rows) =>
    openInstructions(rows, tokenizer),
  );
  const adapter = training.peft_mode === 'lora' ? loraFor(model, training.lora) : null;
  const run: TrainingRun = {
    model,
    adapter,
    objective: makeObjective({ model, adapter }),
    trainable: trainableParameters(training.peft_mode, model, adapter),
    data,
    training,
    seed: config.seed,
    threads: threadsOf(config),
  };
  return { folder, run, validation };
}
