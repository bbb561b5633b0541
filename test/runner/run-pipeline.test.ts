import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { SluiceError } from '../../src/errors.js';
import { planPipeline } from '../../src/runner/pipeline-plan.js';
import { checkPipeline, type PipelineRun, runPipeline } from '../../src/runner/run-pipeline.js';
import { readRunRecord } from '../../src/runner/run-record.js';
import { TestProject } from './fixtures/project.js';

const reference = /\$\{steps\.(\w+)\.(\w+)\}/g;

describe('a pipeline', () => {
  let project: TestProject;
  beforeEach(() => {
    project = new TestProject();
  });
  afterEach(() => project.remove());

  // Composition is the config room's; here an override `key=value` becomes that key of the stage's config.
  function pipeline(steps: Record<string, unknown>): PipelineRun {
    return {
      name: 'tour',
      steps: planPipeline({ steps }),
      resolve: async (outputs) =>
        JSON.parse(
          JSON.stringify({ seed: 3, steps }).replace(reference, (_, step, output) => outputs[step]![output]!),
        ),
      composeStage: async (stage, overrides) => {
        const config = Object.fromEntries(overrides.map((text) => text.replaceAll("'", '').split('=')));
        if (config.typo)
          throw new SluiceError('config.unknown_key', 'no such key', { where: 'override typo' });
        const wantedFolder = join(project.root, `outputs/${stage}/d/t`);
        return { stage, config, wantedFolder, setup: (folder) => project.setup(config, folder) };
      },
      placeOf: (path) => `tour.yaml at ${path}`,
      hydraFiles: () => ({ subdirectory: '.hydra', config: 'steps\n', hydra: '', overrides: '' }),
      wantedFolder: join(project.root, 'outputs/tour/d/t'),
      command: './run tour',
    };
  }

  it('hands the outputs of one step to the next and records who used what', async () => {
    const run = pipeline({
      base: { stage: 'train' },
      first: { stage: 'copy', config: { data: '${steps.base.weights}' } },
      second: { stage: 'copy', overrides: ['data=${steps.first.folder}/copy.txt'] },
    });
    const { folder, record } = await runPipeline(run, project.host);
    expect(readRunRecord(folder)).to.deep.equal(record);
    expect(record).to.include({ id: 'tour/d/t', stage: 'tour', status: 'done', exitCode: 0, seed: 3 });
    expect(record.tables[0]!.title).to.equal('Losses');
    expect(
      record.steps!.map(({ name, stage, status, needs, uses }) => [name, stage, status, needs, uses]),
    ).to.deep.equal([
      ['base', 'train', 'done', [], []],
      ['first', 'copy', 'done', ['base'], [{ step: 'base', output: 'weights' }]],
      ['second', 'copy', 'done', ['first'], [{ step: 'first', output: 'folder' }]],
    ]);
    const last = resolve(folder, record.steps![2]!.folder!);
    expect(readFileSync(join(last, 'copy.txt'), 'utf8')).to.equal('weights, copied, copied');
    expect(existsSync(join(folder, 'report.html'))).to.equal(true);
  });

  it('stops at the first step that fails, with its error and exit code', async () => {
    const run = pipeline({ a: { stage: 'refuse' }, b: { stage: 'train' } });
    const { record } = await runPipeline(run, project.host);
    expect(record).to.include({ status: 'failed', exitCode: 1 });
    expect(record.error).to.include({ code: 'data.no_rows', message: 'the pool is empty' });
    expect(record.steps!.map(({ status }) => status)).to.deep.equal(['failed', 'waiting']);
    expect(existsSync(join(project.root, 'outputs/train'))).to.equal(false);
  });

  it('says when a step did not make what another uses, as soon as it ended', async () => {
    const run = pipeline({
      a: { stage: 'train' },
      b: { stage: 'copy', config: { data: '${steps.a.wheights}' } },
    });
    const { record } = await runPipeline(run, project.host);
    expect(record).to.include({ status: 'failed', exitCode: 2 });
    expect(record.error).to.deep.include({
      message: 'the pipeline uses ${steps.a.wheights}, but a made no such output',
      hint: 'it made: folder, weights, model',
    });
  });

  it('is interrupted with the step that runs, and starts no other', async () => {
    const running = runPipeline(pipeline({ a: { stage: 'wait' }, b: { stage: 'train' } }), project.host);
    await project.shown.seen('waiting');
    project.interrupt.request();
    const { record } = await running;
    expect(record).to.include({ status: 'interrupted', exitCode: 130 });
    expect(record.steps!.map(({ status }) => status)).to.deep.equal(['interrupted', 'waiting']);
  });

  it('with a wrong key in its last step is refused before the first one starts', async () => {
    const run = pipeline({
      a: { stage: 'train' },
      b: { stage: 'train', config: { typo: '${steps.a.model}' } },
    });
    const error = await checkPipeline(run).catch((thrown: unknown) => thrown);
    expect(error).to.include({
      code: 'config.schema',
      message: 'step b: no such key',
      where: 'override typo',
    });
  });
});
