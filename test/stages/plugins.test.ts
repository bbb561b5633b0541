import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { compose } from '../../src/config/index.js';
import { openEngine } from '../../src/engine/index.js';
import { SluiceError } from '../../src/errors.js';
import { affine, mul } from '../../src/graph/index.js';
import type { StageDefinition } from '../../src/runner/stage.js';
import type { Plugins } from '../../stages/registries.js';
import { stage as routerTraining } from '../../stages/stage-1-pretrain.js';
import { stage as selection } from '../../stages/stage-2-selection.js';
import { stage as finetune } from '../../stages/stage-3-finetune.js';
import { makeTinyPool } from '../select/tiny-pool.js';
import { stageContext } from './stage-context.js';

const configs = fileURLToPath(new URL('../../../configs/', import.meta.url));

/** One plugin of each kind that stages know. */
const plugins: Plugins = {
  trashExperts: { half: { load: async () => () => (_, h) => mul(h, 0.5), options: {} } },
  qualityLosses: {
    quarter: { load: async () => () => (moments) => affine(moments.mean, 0, 0.25), options: {} },
  },
  selectors: {
    every: {
      load: async () => (options: { step: number }) => (pool) =>
        [...pool.samples.keys()].filter((index) => index % options.step === 0),
      options: { step: { type: 'integer', minimum: 1 } },
      required: ['step'],
    },
  },
  objectives: {
    scaled: {
      load: async () => {
        const { languageModel } = await import('../../src/train/index.js');
        return (options: { factor: number }) => () => ({
          name: 'scaled',
          build(inputs) {
            const { loss, metrics } = languageModel({ auxLossWeight: 0 }).build(inputs);
            const scaled = mul(loss, options.factor);
            return { loss: scaled, metrics: { ...metrics, scaled_loss: scaled } };
          },
        });
      },
      options: { factor: { type: 'number' } },
      required: ['factor'],
    },
  },
};

describe('plugins of stages', function () {
  this.timeout(60_000);
  let work: string;
  let shared: string[];
  let weights: string;

  before(async () => {
    const engine = await openEngine();
    const session = engine.session({ device: 'cpu', threads: 2 });
    const made = await makeTinyPool(engine, session);
    session.close();
    work = made.work;
    shared = [`dataset.data_path=${made.rows}`, 'dataset.max_sequence_length=64', 'device=cpu', 'threads=2'];
  });
  after(() => rmSync(work, { recursive: true }));

  async function run<Config extends object>(
    stage: StageDefinition<Config>,
    overrides: string[],
    given = plugins,
  ) {
    const options = { configDirs: [configs], configName: stage.name, jobName: stage.name };
    const composed = compose({ ...options, overrides: [...shared, ...overrides] });
    const recorded = stageContext(composed.config() as Config, given);
    await stage.run(recorded.context);
    const metrics = recorded.events.flatMap((event) => (event.type === 'metrics' ? [event.values] : []));
    return { ...recorded, metrics };
  }
  const training = ['batch_size=2', 'per_device_batch_size=2', 'max_steps=2', 'log_every=1'].map(
    (each) => `training.${each}`,
  );
  const model = () => join(work, 'model');

  it('make the quality loss and the trash expert of a router', async () => {
    const { outputs, metrics } = await run(routerTraining, [
      ...training,
      `selector_model.path=${model()}`,
      'dataset.subset_ratio=1',
      'training.quality_loss_type=custom',
      'training.quality_loss_name=quarter',
      'training.trash_expert_mode=custom',
      'training.trash_expert_name=half',
    ]);
    expect(metrics.map((values) => values['train/quality_loss'])).to.deep.equal([0.25, 0.25]);
    weights = outputs.weights!;
  });

  const select = () => [`selector_model.path=${model()}`, `model_checkpoint_path=${weights}`];

  it('choose the rows of a selection, with the trash expert that the weights were trained with', async () => {
    const { outputs } = await run(selection, [
      ...select(),
      '~selector',
      '+selector={_target_: every, step: 5}',
    ]);
    const ids = readFileSync(outputs.selected_data!, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).id);
    expect(ids).to.deep.equal(['row-0', 'row-5', 'row-10']);
  });

  it('are missed by name where weights need one that is not registered', async () => {
    const error = await run(selection, select(), {}).catch((thrown: SluiceError) => thrown);
    expect(error).to.be.instanceOf(SluiceError).and.include({
      code: 'config.instantiate',
      message: 'trash expert of the router weights._target_: there is no trash expert half',
    });
  });

  it('are what a model is finetuned on', async () => {
    const { metrics } = await run(finetune, [
      ...training,
      `model_checkpoint_path=${model()}`,
      '++training.objective={_target_: scaled, factor: 3}',
    ]);
    expect(metrics).to.have.length(2);
    for (const values of metrics)
      expect(values['train/scaled_loss']).to.be.closeTo(3 * values['train/lm_loss']!, 1e-4);
  });
});
