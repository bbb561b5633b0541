import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { forecastPipeline, type StepForecast } from '../../src/runner/forecast-pipeline.js';
import { asFound, type PipelineChoice } from '../../src/runner/pipeline-choice.js';
import { runPipeline } from '../../src/runner/run-pipeline.js';
import { makeRun } from './fixtures/make-run.js';
import { testPipeline } from './fixtures/pipeline.js';
import { TestProject } from './fixtures/project.js';

describe('the plan of a pipeline', () => {
  let project: TestProject;
  beforeEach(() => {
    project = new TestProject();
    writeFileSync(join(project.root, 'raw.txt'), 'raw');
  });
  afterEach(() => project.remove());

  const steps = (bytes = 1000) => ({
    base: { stage: 'climb', config: { data: 'raw.txt', resume: null, bytes, threads: 2 } },
    next: { stage: 'copy', config: { data: '${steps.base.top}' } },
    last: { stage: 'answer', config: { data: '${steps.next.copy}' } },
  });
  const forecast = async (what: Record<string, unknown> = steps(), choice: PipelineChoice = asFound) => {
    const { steps: found } = await forecastPipeline(testPipeline(project, what), project.host, choice);
    return Object.fromEntries(found.map((step) => [step.name, step])) as Record<string, StepForecast>;
  };

  it('of steps that never ran says what each needs, as far as it can be foreseen, and runs nothing', async () => {
    const { base, next, last } = await forecast();
    expect(base).to.deep.include({
      ...{ action: 'run', why: null, foreseen: false, unplanned: null, problem: null, threads: 2 },
      ...{ flops: 3e9, plannedBytes: 1000 + 256 * 2 ** 20 },
      time: { seconds: 5, from: 'at 0.600 GFLOP/s: 60 % of the product rate measured now' },
    });
    expect(next).to.deep.include({
      ...{ action: 'run', why: 'waits for base', foreseen: true, unplanned: null, threads: 1 },
      inputs: [{ step: 'base', output: 'top', path: null }],
      time: { seconds: null, from: 'its stage has not run here yet' },
    });
    expect(last).to.include({ unplanned: 'not known before next has run and made copy' });
    const misspelt = { ...steps(), next: { stage: 'copy', config: { data: '${steps.base.tip}' } } };
    expect((await forecast(misspelt)).next!.unplanned).to.equal(
      'not known before base has run and made tip; its plan names base.top',
    );
    expect(existsSync(join(project.root, 'outputs'))).to.equal(false);
  });

  it('of steps that ran says which are reused, and how long the others took', async () => {
    await runPipeline(testPipeline(project, steps()), project.host);
    const { base, next } = await forecast();
    expect(base).to.include({ action: 'reuse', threads: null });
    expect(base!.why).to.equal('same config, code and inputs as outputs/climb/d/t');
    expect(next).to.include({ action: 'reuse' });
    expect(next!.inputs[0]!.path).to.equal('outputs/climb/d/t/top.txt');

    const from = await forecast(steps(), { force: false, from: 'next' });
    expect(from.base).to.include({ action: 'reuse' });
    expect(from.next).to.include({ action: 'run', foreseen: false });
    expect(from.next!.time.from).to.equal('as copy/d/t took, of the same config');
    expect(from.last!.time.from).to.equal('as answer/d/t took, of another config');
    const other = await forecast(steps(2000), { force: false, only: 'last' });
    expect(other.base!.action).to.equal('missing');
    expect(other.base!.why).to.contain('bytes was 1000, not 2000');
    expect(other.next).to.include({ action: 'missing', why: 'no earlier run to take: it needs base' });
  });

  it('foretells by the rate of the run that computed most, and not of a short trial after it', async () => {
    const climb = (id: string, startedAt: string, durationSeconds: number, mfu: number) => {
      const measured = { facts: { peak_flops: 4e9 }, metrics: { 'train/mfu': mfu } };
      return makeRun(project.root, { id: `climb/${id}`, startedAt, durationSeconds, ...measured });
    };
    await climb('long', '2026-01-30T12:00:00.000Z', 600, 0.5);
    await climb('trial', '2026-01-31T12:00:00.000Z', 2, 0.01);
    const { base } = await forecast();
    expect(base!.time).to.deep.equal({ seconds: 1.5, from: 'at 2.00 GFLOP/s, as climb/long reached' });
  });

  it('tells all that would stop any step', async () => {
    const wrong = {
      ...steps(1e15),
      lost: { stage: 'copy', config: { data: 'lost.txt' } },
    };
    const { base, next, lost } = await forecast(wrong);
    expect(base!.problem).to.include({ code: 'engine.memory' });
    expect(base!.problem!.message).to.match(/^it needs 931322\.\d+ GiB, and [\d.]+ GiB may be used$/);
    expect(next!.problem).to.equal(null);
    expect(lost!.problem!.message).to.match(/ENOENT.*lost\.txt/);
  });
});
