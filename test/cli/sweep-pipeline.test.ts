import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { readRunRecord } from '../../src/runner/run-record.js';
import { readSweepManifest } from '../../src/runner/sweep-manifest.js';
import { CommandLineProject } from './command-line-run.js';

describe('a sweep over a pipeline', () => {
  let project: CommandLineProject;
  beforeEach(() => {
    project = new CommandLineProject();
  });
  afterEach(() => project.remove());

  const sweep = (pipeline: string, ...rest: string[]) =>
    project.run(pipeline, '-m', 'hydra.sweep.dir=swept', ...rest);
  const manifest = () => readSweepManifest(join(project.root, 'swept'));
  const stepsOf = (job: string) => readRunRecord(join(project.root, 'swept', job)).steps!;
  const runsOf = (stage: string) =>
    readdirSync(join(project.root, 'outputs', stage), { recursive: true }).filter((path) =>
      String(path).endsWith('run.json'),
    );

  it('runs it per combination, each in its folder; a step that jobs share is made once, also side by side', async () => {
    const { code, out, err } = await sweep(
      'tour',
      ...['hydra/launcher=local', 'hydra.launcher.n_jobs=2'],
      ...['+extra=1,2', '+hydra.sweeper.objective=train/loss'],
    );
    expect(code).to.equal(0);
    expect(out).to.match(/ {2}0 +1 +1 +done, best +0:\d\d +0\n {2}1 +2 +1 +done /);
    expect(manifest()).to.include({ stage: 'tour', best: 0 });
    expect(manifest().jobs[1]!.metrics).to.include({ 'base.train/loss': 1, 'base.train/bad': null });
    expect(runsOf('train')).to.have.length(1);
    expect(runsOf('copy')).to.have.length(1);
    const folders = ['0', '1'].map((job) =>
      stepsOf(job).map(({ folder }) => resolve(project.root, 'swept', job, folder!)),
    );
    expect(folders[0]).to.deep.equal(folders[1]);
    const statuses = ['0', '1'].flatMap((job) => stepsOf(job).map(({ status }) => status));
    expect(statuses.sort()).to.deep.equal(['done', 'done', 'skipped', 'skipped']);
    expect(err).to.match(/^\[#\d \+extra=\d\] base: three steps$/m);
    expect(readRunRecord(join(project.root, 'swept/1')).command).to.equal('./run tour +extra=2');
  });

  it('goes on where it was interrupted: done jobs stay, steps go on from their checkpoints', async () => {
    project.write(
      'configs/experiment/ascent.yaml',
      '# @package _global_\ndefaults: [/base]\nsteps: {up: {stage: climb, overrides: ["+resume=null", "seed=${seed}"]}}\n',
    );
    writeFileSync(join(project.root, 'hold'), '');
    const running = sweep('ascent', 'seed=1,2');
    await project.shown('holding');
    process.emit('SIGINT');
    const { code, err } = await running;
    expect(code).to.equal(130);
    expect(err).to.include('go on with what is unfinished: ./run --resume-sweep swept\n');

    rmSync(join(project.root, 'hold'));
    const again = await project.run('--resume-sweep', 'swept');
    expect(again.code).to.equal(0);
    expect(again.err).to.match(/\[#0 seed=1\] up: goes on from step 3 of climb\//);
    expect(manifest().jobs.map(({ status, folder }) => [status, folder])).to.deep.equal([
      ['done', '0-2'],
      ['done', '1'],
    ]);
    const [up] = stepsOf('0-2');
    expect(readFileSync(join(project.root, 'swept/0-2', up!.folder!, 'top.txt'), 'utf8')).to.equal('from 3');

    const changed = 'overrides: ["+resume=null", "seed=${seed}", data=null]';
    project.write(
      'configs/experiment/ascent.yaml',
      `# @package _global_\ndefaults: [/base]\nsteps: {up: {stage: climb, ${changed}}}\n`,
    );
    const same = await project.run(
      'pipeline',
      'experiment/ascent',
      '-m',
      'seed=1,2',
      '--resume-sweep',
      './swept',
    );
    expect([same.code, same.err]).to.deep.equal([0, '']);
  });

  it('prunes by the curve of a step, those of runs that it reuses counted', async () => {
    project.write(
      'configs/experiment/descent.yaml',
      '# @package _global_\ndefaults: [/base]\nsteps: {down: {stage: descend, overrides: ["seed=${seed}"]}}\n',
    );
    const judged = ['+hydra.sweeper.objective=down.validation/loss', '+hydra.sweeper.prune_after=2'];
    await sweep('descent', 'seed=1,2');
    rmSync(join(project.root, 'swept'), { recursive: true });
    const { code, err } = await project.run(
      ...['pipeline', 'experiment/descent', '-m', 'seed=1,2,9', 'hydra.sweep.dir=swept'],
      ...judged,
    );
    expect(readRunRecord(join(project.root, 'swept/2')).command).to.equal(
      './run pipeline experiment/descent seed=9',
    );
    expect(code).to.equal(0);
    expect(err).to.include('#2 seed=9: worse than the median of the others at this step');
    const jobs = manifest().jobs.map(({ status, objective }) => [status, objective]);
    expect(jobs).to.deep.equal([
      ['done', 6],
      ['done', 16],
      ['pruned', 89],
    ]);
    expect(stepsOf('0')[0]!.status).to.equal('skipped');
  });

  it('fails the job alone that wants an earlier run which is not there', async () => {
    await project.run('tour', '++steps.base.config.seed=1');
    const swept = ['hydra/launcher=local', 'hydra.launcher.on_failure=continue'];
    const { code, err } = await sweep('tour', ...swept, '++steps.base.config.seed=2,1', '--only', 'copy');
    expect(code).to.equal(2);
    expect(manifest().jobs.map(({ status }) => status)).to.deep.equal(['failed', 'done']);
    expect(err).to.match(/there is no earlier run to take for\n {2}base: in train\/\S+ seed was 1, not 2/);
    expect(readRunRecord(join(project.root, 'swept/0')).error!.code).to.equal('usage.no_earlier_run');
  });

  const refused: [what: string, words: string[], message: string][] = [
    ['a mistake in a step', ['seed=1,x'], 'step base: seed: expected an integer, got "x"'],
    [
      'pruning by a curve of no step in particular',
      ['seed=1,2', '+hydra.sweeper.objective=train/loss', '+hydra.sweeper.prune_after=1'],
      'hint: name the step: hydra.sweeper.objective=copy.train/loss',
    ],
  ];
  for (const [what, words, message] of refused) {
    it(`refuses ${what} before anything starts`, async () => {
      const { code, err } = await sweep('tour', ...words);
      expect([code, existsSync(join(project.root, 'swept'))]).to.deep.equal([2, false]);
      expect(err).to.include(message);
    });
  }
});
