import { join } from 'node:path';
import { instantiate } from '../src/config/instantiate/instantiate.js';
import { openInstructions } from '../src/data/index.js';
import { openDevice, threadsOf } from '../src/engine/index.js';
import {
  collectWeights,
  initializeWeights,
  type QualityLoss,
  registerQualityLoss,
  registerTrash,
  savePeftFolder,
  type Trash,
} from '../src/models/index.js';
import type { StageContext, StageDefinition } from '../src/runner/stage.js';
import { type GateConfig, loadSelector, openSelector, saveRouterWeights } from '../src/select/index.js';
import { Tokenizer } from '../src/text/index.js';
import {
  checkStart,
  describeRun,
  type EvaluationKeys,
  evaluation,
  type LoraKeys,
  loraFor,
  openTrainingRows,
  type StartKeys,
  selectMoe,
  startOf,
  type TrainingConfig,
  type TrainingRowsConfig,
  type TrainingRun,
  train,
  trainableParameters,
  trainingStorage,
  trainingTable,
} from '../src/train/index.js';

/** configs/stage_1_pretrain.schema.json describes each key. */
export interface RouterTrainingConfig extends StartKeys {
  seed: number;
  device: string;
  threads: number | null;
  selector_model: { path: string };
  dataset: TrainingRowsConfig;
  training: TrainingConfig &
    EvaluationKeys &
    Omit<GateConfig, 'trash_expert_name'> & {
      trash_expert_name: string | null;
      peft_mode: 'full_rank' | 'lora';
      loss_on: 'all' | 'answers';
      quality_loss_weight: number;
      quality_loss_type: string;
      quality_loss_name: string | null;
      quality_loss_params: Record<
        'beta_target_mean' | 'beta_target_var' | 'w_mean' | 'w_var' | 'lambda_var',
        number
      >;
      quality_loss_debug: boolean;
      enable_load_balancing: boolean;
      router_aux_loss_coef: number;
      lora: LoraKeys;
    };
}

export const stage: StageDefinition<RouterTrainingConfig> = {
  name: 'stage_1_pretrain',

  async run(context) {
    const { config } = context;
    const { folder, gates, model, run, validation } = await prepareRun(context);
    const device = await openDevice(config, context);
    const { session, threads } = device;
    await loadSelector(model, folder, session, { seed: config.seed, threads });
    if (run.adapter !== null) {
      await initializeWeights([...run.adapter.parameters.values()], session, { seed: config.seed, threads });
    }
    const result = await train(run, {
      ...device,
      stage: context,
      start: startOf(context),
      ...evaluation(run, session, validation, config.training),
    });

    const weights = join(context.runDirectory, 'full_rank_weights.safetensors');
    const adapterFolder = run.adapter === null ? null : 'adapter';
    if (run.adapter !== null)
      savePeftFolder(run.adapter, session, join(context.runDirectory, 'adapter'), folder);
    const ownWeights = run.trainable.filter(({ name }) => !run.adapter?.parameters.has(name));
    saveRouterWeights(weights, collectWeights(ownWeights, session), folder, {
      gates,
      adapter: adapterFolder,
    });
    context.addOutput('weights', weights);
    if (adapterFolder !== null) context.addOutput('adapter', join(context.runDirectory, adapterFolder));
    context.emit(trainingTable('Router training', run, result));
  },

  async plan(context) {
    const { folder, gates, run } = await prepareRun(context);
    const weights = join(context.runDirectory, 'full_rank_weights.safetensors');
    saveRouterWeights(weights, [], folder, { gates, adapter: null });
    context.addOutput('weights', weights);
    checkStart(startOf(context), run);
    return describeRun(run, context.config.device);
  },
};

async function prepareRun(context: StageContext<RouterTrainingConfig>) {
  const { config } = context;
  const { training } = config;
  const folder = context.resolvePath(config.selector_model.path);
  context.addInput('selector_model', folder);
  await registerCustom(training, context.registries);
  const { quality_gate_init_mean, quality_gate_init_std, trash_expert_mode, trash_expert_name } = training;
  const gates: GateConfig = {
    quality_gate_init_mean,
    quality_gate_init_std,
    trash_expert_mode,
    ...(trash_expert_name === null ? {} : { trash_expert_name }),
  };
  // all but the routing is frozen: held as the products read it
  const frozen = { dtype: training.dtype, quantization: 'none' } as const;
  const storage = trainingStorage(training, training.peft_mode, frozen);
  const model = (await openSelector(folder, gates)).stored(storage);
  const tokenizer = Tokenizer.open(folder);
  const { data, validation } = await openTrainingRows(config.dataset, training, context, (rows) =>
    openInstructions(rows, tokenizer),
  );
  const adapter = training.peft_mode === 'lora' ? loraFor(model, training.lora) : null;
  const routing = trainableParameters('full_rank', model, null);
  const params = training.quality_loss_params;
  const run: TrainingRun = {
    model,
    adapter,
    objective: selectMoe({
      qualityLoss: {
        type:
          training.quality_loss_type === 'custom' ? training.quality_loss_name! : training.quality_loss_type,
        betaTargetMean: params.beta_target_mean,
        betaTargetVar: params.beta_target_var,
        meanWeight: params.w_mean,
        varWeight: params.w_var,
        lambdaVar: params.lambda_var,
      },
      qualityLossWeight: training.quality_loss_weight,
      loadBalancing: training.enable_load_balancing,
      auxLossWeight: training.router_aux_loss_coef,
      debug: training.quality_loss_debug,
    }),
    // with adapters the gates still learn in full rank: they are new, there is nothing to adapt
    trainable:
      adapter === null
        ? routing
        : [...adapter.parameters.values(), ...routing.filter(({ name }) => name.includes('quality_gate'))],
    data,
    training,
    seed: config.seed,
    threads: threadsOf(config),
  };
  return { folder, gates, model, run, validation };
}

/** Makes the functions that `custom` stands for and hands them to the model, by their names. */
async function registerCustom(
  training: RouterTrainingConfig['training'],
  { trashExperts, qualityLosses }: StageContext['registries'],
): Promise<void> {
  const { trash_expert_mode, trash_expert_name, quality_loss_type, quality_loss_name } = training;
  if (trash_expert_mode === 'custom') {
    const named = { _target_: trash_expert_name };
    registerTrash(
      trash_expert_name!,
      await instantiate<unknown, Trash>(named, trashExperts, { path: 'trash expert' }),
    );
  }
  if (quality_loss_type === 'custom') {
    const named = { _target_: quality_loss_name };
    const loss = await instantiate<unknown, QualityLoss>(named, qualityLosses, { path: 'quality loss' });
    registerQualityLoss(quality_loss_name!, loss);
  }
}
