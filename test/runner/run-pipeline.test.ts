import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { checkPipeline } from '../../src/runner/check-pipeline.js';
import { runPipeline } from '../../src/runner/run-pipeline.js';
import { readRunRecord } from '../../src/runner/run-record.js';
import { testPipeline } from './fixtures/pipeline.js';
import { TestProject } from './fixtures/project.js';

describe('a pipeline', () => {
  let project: TestProject;
  beforeEach(() => {
    project = new TestProject();
  });
  afterEach(() => project.remove());

  const pipeline = (steps: Record<string, unknown>) => testPipeline(project, steps);

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
    expect(record.tablesOf).to.equal('base');
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

  it('runs steps that need nothing of each other side by side, as far as threads and max_parallel let it', async () => {
    const pair = (name: string, other: string, threads: number | null, patience: number) => ({
      stage: 'pair',
      config: { name, other, threads, patience },
      reuse: false,
    });
    const together = { a: pair('a', 'b', 1, 20_000), b: pair('b', 'a', 1, 20_000) };
    const { record } = await runPipeline(pipeline(together), project.host);
    expect(record.status).to.equal('done');

    const cases: { threads: number | null; more: Record<string, unknown> }[] = [
      { threads: 1, more: { max_parallel: 1 } },
      { threads: null, more: {} },
    ];
    for (const { threads, more } of cases) {
      for (const name of ['a', 'b']) rmSync(join(project.root, name));
      // The first waits in vain; the second finds what the first has left.
      const apart = { a: pair('a', 'b', 1, 200), b: pair('b', 'a', threads, 200) };
      const { record } = await runPipeline(testPipeline(project, apart, more), project.host);
      expect(record.steps!.map(({ status }) => status)).to.deep.equal(['failed', 'done']);
    }
  }).timeout(30_000);

  it('ends what needs a step that fails, and nothing else, and tells all that failed', async () => {
    const run = pipeline({
      a: { stage: 'refuse' },
      b: { stage: 'train', needs: ['a'] },
      c: { stage: 'copy', config: { data: '${steps.b.weights}' } },
      d: { stage: 'train' },
      e: { stage: 'crash' },
    });
    const { folder, record } = await runPipeline(run, project.host);
    expect(record).to.include({ status: 'failed', exitCode: 1 });
    expect(record.steps!.map(({ status, reason }) => [status, reason])).to.deep.equal([
      ['failed', undefined],
      ['skipped', 'it needs a, which failed'],
      ['skipped', 'it needs b, which was skipped'],
      ['done', undefined],
      ['failed', undefined],
    ]);
    expect(record.steps![0]!.error).to.include({ code: 'data.no_rows' });
    expect(record.error!.message)
      .to.contain('2 steps did not end well')
      .and.to.contain('step a: the pool is empty (rows.jsonl:1)')
      .and.to.contain('step e: crash: its process ended by SIGSEGV');
    expect(readRunRecord(folder).steps).to.deep.equal(record.steps);
    expect(project.shown.text).to.contain('[b] skipped: it needs a, which failed\n');
  });

  it('with one step that failed has its error and exit code', async () => {
    const { record } = await runPipeline(pipeline({ a: { stage: 'refuse' } }), project.host);
    expect(record).to.include({ status: 'failed', exitCode: 1 });
    expect(record.error).to.include({ code: 'data.no_rows', message: 'step a: the pool is empty' });
  });

  it('says when a step did not make what another uses, as soon as it ended', async () => {
    const run = pipeline({
      a: { stage: 'train' },
      b: { stage: 'copy', config: { data: '${steps.a.wheights}' } },
    });
    const { record } = await runPipeline(run, project.host);
    expect(record).to.include({ status: 'failed', exitCode: 2 });
    expect(record.error).to.deep.include({
      message: 'step a: the pipeline uses ${steps.a.wheights}, but a made no such output',
      hint: 'it made: folder, weights, model',
    });
  });

  it('is interrupted with the steps that run, and starts no other', async () => {
    const steps = { a: { stage: 'wait' }, b: { stage: 'wait' }, c: { stage: 'train', needs: ['b'] } };
    const running = runPipeline(pipeline(steps), project.host);
    await project.shown.seen('[a] waiting');
    await project.shown.seen('[b] waiting');
    project.interrupt.request();
    const { record } = await running;
    expect(record).to.include({ status: 'interrupted', exitCode: 130 });
    expect(record.error!.hint).to.equal('the same command goes on: what is done is not run again');
    expect(record.steps!.map(({ status }) => status)).to.deep.equal([
      'interrupted',
      'interrupted',
      'waiting',
    ]);
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
