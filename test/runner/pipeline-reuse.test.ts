import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { CodeHashes } from '../../src/runner/code-hash.js';
import type { PipelineChoice } from '../../src/runner/pipeline-choice.js';
import { runPipeline } from '../../src/runner/run-pipeline.js';
import { readRunRecord } from '../../src/runner/run-record.js';
import type { FinishedRun, RunnerHost } from '../../src/runner/run-stage.js';
import { testPipeline } from './fixtures/pipeline.js';
import { TestProject, testStages } from './fixtures/project.js';

describe('a pipeline run again', () => {
  /** Where the pipeline has run once; every test begins with a copy of it. */
  let made: TestProject;
  let project: TestProject;
  before(async () => {
    made = project = new TestProject();
    write('raw.txt', 'raw');
    await run();
  });
  after(() => made.remove());
  beforeEach(() => {
    project = new TestProject();
    cpSync(made.root, project.root, { recursive: true, preserveTimestamps: true });
  });
  afterEach(() => project.remove());

  const write = (name: string, text: string) => writeFileSync(join(project.root, name), text);

  const row = (changes: Record<string, unknown> = {}) => ({
    base: { stage: 'copy', config: { data: 'raw.txt' } },
    next: { stage: 'copy', config: { data: '${steps.base.copy}', ...changes } },
  });
  const tour = () => ({ ...row(), aside: { stage: 'answer' } });
  const run = (steps: Record<string, unknown> = tour(), choice?: PipelineChoice, host?: RunnerHost) =>
    runPipeline(testPipeline(project, steps), host ?? project.host, choice);
  const statuses = ({ record }: FinishedRun) => record.steps!.map(({ status }) => status);
  const folderOf = ({ folder, record }: FinishedRun, step: string) =>
    resolve(folder, record.steps!.find(({ name }) => name === step)!.folder!);

  it('takes what an earlier run has done, and says so', async () => {
    const folder = join(project.root, 'outputs/tour/d/t');
    const first = { folder, record: readRunRecord(folder) };
    const second = await run();
    expect(second.record).to.include({ status: 'done', exitCode: 0 });
    expect(second.folder).not.to.equal(first.folder);
    expect(second.record.steps!.map(({ status, reason }) => [status, reason])).to.deep.equal(
      Array(3).fill(['skipped', 'same config, code and inputs']),
    );
    for (const step of ['base', 'next', 'aside'])
      expect(folderOf(second, step)).to.equal(folderOf(first, step));
    expect(project.shown.text).to.contain(
      '[base] skipped: same config, code and inputs as outputs/copy/d/t\n',
    );
    expect(second.record.steps!.map(({ durationSeconds }) => durationSeconds)).to.deep.equal(
      Array(3).fill(null),
    );
  });

  it('takes the run of a stage by itself too', async () => {
    await project.run('copy', { data: 'package.json' }, 'outputs/copy/d/alone');
    const again = await run({ base: { stage: 'copy', config: { data: 'package.json' } } });
    expect(statuses(again)).to.deep.equal(['skipped']);
    expect(folderOf(again, 'base')).to.equal(join(project.root, 'outputs/copy/d/alone'));
  });

  const changes: {
    what: string;
    change: () => void;
    steps?: () => Record<string, unknown>;
    ran: string[];
    says: string;
  }[] = [
    {
      what: 'the config of a step',
      change: () => {},
      steps: () => row({ more: 1 }),
      ran: ['skipped', 'done'],
      says: '[next] runs anew: in copy/d/t-2 more was unset, not 1',
    },
    {
      what: 'an input file',
      change: () => write('raw.txt', 'raw, but not the same'),
      ran: ['done', 'done'],
      says: 'raw.txt has changed',
    },
    {
      what: 'an input file, by one byte and at the same size',
      change: () => write('raw.txt', 'rav'),
      ran: ['done', 'done'],
      says: 'raw.txt has changed',
    },
    {
      what: 'an output, which was deleted,',
      change: () => rmSync(join(project.root, 'outputs/copy/d/t/copy.txt')),
      ran: ['done', 'skipped'], // made again it is what it was, so what was made of it stands
      says: '[base] runs anew: copy of copy/d/t is no longer what it made',
    },
    {
      what: 'an output, which was written over,',
      change: () => write('outputs/copy/d/t/copy.txt', 'raw, copied by hand'),
      ran: ['done', 'skipped'],
      says: 'is no longer what it made',
    },
    {
      what: 'the place of an input file, not its content,',
      change: () => write('elsewhere.txt', 'raw'),
      steps: () => ({ ...row(), base: { stage: 'copy', config: { data: 'elsewhere.txt' } } }),
      ran: ['skipped', 'skipped'],
      says: '[base] skipped',
    },
  ];
  for (const { what, change, steps, ran, says } of changes) {
    it(`with a change of ${what} runs what that concerns: ${ran.join(', ')}`, async () => {
      change();
      const again = await run(steps?.() ?? row());
      expect(again.record.status).to.equal('done');
      expect(statuses(again)).to.deep.equal(ran);
      expect(project.shown.text).to.contain(says);
    });
  }

  it('runs the stages whose code has changed', async () => {
    write('package.json', '{"version": "0.0.1", "type": "module"}');
    write(
      'stages.js',
      `export * from ${JSON.stringify(testStages)};\nexport const codeOf = (stage) => [\`./\${stage}.js\`];\n`,
    );
    write('copy.js', '1');
    write('answer.js', '1');
    const url = pathToFileURL(join(project.root, 'stages.js')).href;
    const host = () => ({ ...project.host, stagesModule: url, code: new CodeHashes(url) });
    await run(tour(), undefined, host());
    write('answer.js', '2');
    const again = await run(tour(), undefined, host());
    expect(statuses(again)).to.deep.equal(['skipped', 'skipped', 'done']);
    expect(project.shown.text).to.contain('[aside] runs anew: since answer/d/t the code has changed');

    write('copy.js', '2');
    const from = await run(tour(), { force: false, from: 'next' }, host());
    expect(statuses(from)).to.deep.equal(['skipped', 'done', 'skipped']);
    expect(from.record.steps![0]!.reason).to.equal('same config and inputs; the code has changed since');
  });

  it('runs everything with --force, and every time a step with `reuse: false`', async () => {
    const steps = { ...tour(), aside: { stage: 'answer', reuse: false } };
    expect(statuses(await run(steps))).to.deep.equal(['skipped', 'skipped', 'done']);
    expect(statuses(await run(steps, { force: true }))).to.deep.equal(['done', 'done', 'done']);
  });

  it('runs with --from that step and what needs it, with --only that step alone', async () => {
    expect(statuses(await run(tour(), { force: false, from: 'base' }))).to.deep.equal([
      'done',
      'done',
      'skipped',
    ]);
    const only = await run(tour(), { force: false, only: 'next' });
    expect(statuses(only)).to.deep.equal(['skipped', 'done', 'skipped']);
    expect(only.record.steps![2]).to.include({ reason: 'left out by --only', folder: null });
    expect(only.record.status).to.equal('done');
  });

  it('refuses --from and --only without the earlier runs that they want, before anything starts', async () => {
    const last = { last: { stage: 'copy', config: { data: '${steps.next.copy}' } } };
    const steps = {
      base: { stage: 'train' },
      next: { ...row().next, config: { data: '${steps.base.weights}' } },
      ...last,
    };
    const error = await run(steps, { force: false, from: 'last' }).catch((thrown: unknown) => thrown);
    expect(error).to.include({
      code: 'usage.no_earlier_run',
      message: 'there is no earlier run to take for\n  base: its stage was never run\n  next: needs base',
    });
    const other = { ...row(), ...last, base: { stage: 'copy', config: { data: 'package.json' } } };
    const changed = await run(other, { force: false, only: 'last' }).catch((thrown: unknown) => thrown);
    expect(changed).to.have.property('message').that.contains('base: since copy/d/t');
    const unknown = await run(steps, { force: false, from: 'nexd' }).catch((thrown: unknown) => thrown);
    expect(unknown).to.include({
      code: 'usage.step',
      hint: 'did you mean next? its steps: base, next, last',
    });
  });

  it('goes on with a step that was interrupted, from its checkpoint', async () => {
    write('hold', '');
    const steps = { up: { stage: 'climb', config: { data: 'raw.txt', resume: null } } };
    const running = run(steps);
    await project.shown.seen('holding');
    project.interrupt.request();
    const first = await running;
    expect(statuses(first)).to.deep.equal(['interrupted']);

    rmSync(join(project.root, 'hold'));
    const second = await run(steps, undefined, { ...project.host, interrupt: new TestProject().interrupt });
    expect(statuses(second)).to.deep.equal(['done']);
    expect(project.shown.text).to.contain('[up] goes on from step 3 of climb/d/t\n');
    expect(readFileSync(join(folderOf(second, 'up'), 'top.txt'), 'utf8')).to.equal('from 3');

    const third = await run(steps, undefined, { ...project.host, interrupt: new TestProject().interrupt });
    expect(statuses(third)).to.deep.equal(['skipped']);
    const forced = await run(
      steps,
      { force: true },
      { ...project.host, interrupt: new TestProject().interrupt },
    );
    expect(readFileSync(join(folderOf(forced, 'up'), 'top.txt'), 'utf8')).to.equal('from 0');
  });
});
