import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { readRunRecord } from '../../src/runner/run-record.js';
import { readSweepManifest } from '../../src/runner/sweep-manifest.js';
import { lostJobs } from '../stress/lost-jobs.js';
import { CommandLineProject } from './command-line-run.js';

/** The closing table, with all times alike. */
const tableOf = (out: string) =>
  out.slice(out.indexOf('Sweep in'), out.indexOf('report: ')).replace(/\d:\d\d/g, '0:00');

describe('a sweep on the command line', () => {
  let project: CommandLineProject;
  beforeEach(() => {
    project = new CommandLineProject();
  });
  afterEach(() => project.remove());

  const sweep = (stage: string, ...rest: string[]) =>
    project.run(stage, '-m', 'hydra.sweep.dir=swept', ...rest);
  const read = (name: string) => readFileSync(join(project.root, 'swept', name), 'utf8');

  it('runs a job per combination and closes with a table', async () => {
    const { code, out } = await sweep('train', 'seed=1,2', 'data=null');
    expect(code).to.equal(0);
    expect(tableOf(out)).to.equal(
      [
        'Sweep in swept',
        'job  seed  train/loss  status  time  folder',
        '───  ────  ──────────  ──────  ────  ──────',
        '  0     1           1  done    0:00       0',
        '  1     2           1  done    0:00       1',
        '',
      ].join('\n'),
    );
    expect(read('1/.hydra/overrides.yaml')).to.equal('- seed=2\n- data=null\n');
    expect(readRunRecord(join(project.root, 'swept', '1'))).to.include({
      seed: 2,
      command: './run train seed=2 data=null',
    });
    // The config of the sweep, interpolations and all.
    const text = read('multirun.yaml');
    expect(text).to.match(/^hydra:\n {2}run:\n/m);
    expect(text).to.include('subdir: ${hydra.job.num}');
    expect(text).to.include('mode: MULTIRUN');
    expect(text).to.include('- seed=1,2');
    expect(text).to.match(/^seed: 7$/m);
  });

  it('never shares a folder with another sweep', async () => {
    await sweep('answer', 'seed=1');
    await sweep('answer', 'seed=1');
    expect(readdirSync(project.root)).to.include.members(['swept', 'swept-2']);
    expect(readdirSync(join(project.root, 'swept-2'))).to.have.members([
      '0',
      'multirun.yaml',
      'sweep.json',
      'report.html',
    ]);
  });

  it('prints one JSON object per job with --log json, each in the folder that its own hydra.sweep.dir names', async () => {
    const { out } = await project.run(
      'answer',
      '-m',
      'seed=1,2',
      'hydra.sweep.dir=swept/${seed}',
      '--log=json',
    );
    const jobs = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(jobs.map(({ job, overrides }) => [job, overrides])).to.deep.equal([
      [0, ['seed=1']],
      [1, ['seed=2']],
    ]);
    expect(jobs[0]).to.include({
      status: 'done',
      folder: join(project.root, 'swept/1/0'),
      text: 'forty-two',
    });
    expect(existsSync(join(project.root, 'swept/2/1/run.json'))).to.equal(true);
  });

  it('learns from the last value of its objective and writes the best down', async () => {
    const { code, out } = await sweep(
      'score',
      'hydra/sweeper=tpe',
      'hydra.sweeper.n_trials=9',
      'hydra.sweeper.n_startup_trials=2',
      'seed=choice(3,5,8)',
    );
    expect(code).to.equal(0);
    // All three points, none twice; the one that reached no number is never the best.
    expect(out).to.match(/^ +\d +3 +– +5 {2}done +0:\d\d +\d$/m);
    expect(out).to.match(/\nbest: job \d, validation\/loss 0 {2}seed=5\n/);
    expect(read('optimization_results.yaml')).to.equal(
      'name: tpe\nbest_evaluated_params:\n  seed: 5\nbest_evaluated_result: 0.0\n',
    );
  });

  it('looks for the largest value where told so, and at random too', async () => {
    const { out } = await sweep(
      'score',
      'hydra/sweeper=random',
      'hydra.sweeper.n_trials=9',
      'hydra.sweeper.objective=validation/loss',
      'hydra.sweeper.direction=maximize',
      'seed=choice(6,9)',
    );
    expect(out).to.match(/\nbest: job [01], validation\/loss 16 {2}seed=9\n/);
  });

  it('judges by a number of the result of a stage', async () => {
    const { out } = await sweep('answer', '+hydra.sweeper.objective=tokens_per_second', 'seed=1');
    expect(out).to.match(/\nbest: job 0, tokens_per_second 42\n/);
  });

  it('stops after the first job that lacks the objective, and says what there is', async () => {
    const { code, out, err } = await sweep(
      'score',
      'hydra/sweeper=tpe',
      'hydra.sweeper.objective=validation/los',
      'seed=range(0,3)',
    );
    expect(code).to.equal(2);
    expect(err).to.include('error: the run has no metric validation/los');
    expect(err).to.include(
      'hint: hydra.sweeper.objective=validation/loss; it has validation/loss, train/loss',
    );
    expect(readdirSync(join(project.root, 'swept'))).to.have.members([
      '0',
      'multirun.yaml',
      'sweep.json',
      'report.html',
    ]);
    expect(out).to.include('Sweep in swept');
  });

  it('ends with the first job that fails and its exit code', async () => {
    const { code, out, err } = await sweep('refuse', 'seed=1,2');
    expect(code).to.equal(1);
    expect(err).to.include('error: the pool is empty');
    expect(out).to.match(/ {2}0 +1 {2}failed +0:\d\d +0\n {2}1 +2 {2}queued\n/);
    expect(readdirSync(join(project.root, 'swept'))).to.have.members([
      '0',
      'multirun.yaml',
      'sweep.json',
      'report.html',
    ]);
  });

  it('loses none of twenty jobs that take no time, two at a time', async () => {
    const where = 'hydra.sweep.dir=outputs/swept';
    const two = ['hydra/launcher=local', 'hydra.launcher.n_jobs=2'];
    expect((await project.run('answer', '-m', 'seed=range(0,20)', where, ...two)).code).to.equal(0);
    expect(lostJobs(project.root, 20)).to.deep.equal([]);
  });

  describe('with hydra/launcher=local', () => {
    const parallel = (stage: string, ...rest: string[]) =>
      sweep(stage, 'hydra/launcher=local', 'hydra.launcher.n_jobs=2', ...rest);
    const manifest = () => readSweepManifest(join(project.root, 'swept'));

    it('runs as many jobs at a time as told', async () => {
      // Each job waits for another to be there. The launcher may be written as a value too.
      const { code } = await sweep('meet', 'hydra.launcher=local', 'hydra.launcher.n_jobs=2', 'seed=1,2,3,4');
      expect(code).to.equal(0);
      expect(manifest().jobs.map(({ status, folder }) => [status, folder])).to.deep.equal([
        ['done', '0'],
        ['done', '1'],
        ['done', '2'],
        ['done', '3'],
      ]);
    });

    it('gives each job its share of the cores, as an override that its run records', async () => {
      await parallel('answer', '+threads=null', 'hydra.launcher.threads=3');
      expect(manifest().jobs[0]).to.include({ threads: 3 });
      expect(read('0/.hydra/overrides.yaml')).to.equal('- +threads=null\n- threads=3\n');
      expect(readRunRecord(join(project.root, 'swept', '0')).command).to.equal(
        './run answer +threads=null threads=3',
      );
    });

    it('leaves threads that a job sets itself', async () => {
      await parallel('answer', '+threads=1', 'hydra.launcher.threads=3');
      expect(manifest().jobs[0]!.threads).to.equal(null);
      expect(read('0/.hydra/overrides.yaml')).to.equal('- +threads=1\n');
    });

    it('starts nothing after a failure, and lets what runs end', async () => {
      const { code, err } = await parallel('odd', 'seed=1,2,3,4');
      expect(code).to.equal(1);
      expect(manifest().jobs.map(({ status }) => status)).to.deep.equal([
        'failed',
        'done',
        'queued',
        'queued',
      ]);
      expect(manifest()).to.include({ status: 'failed' });
      expect(err).to.include('#0 seed=1\nerror: 1 is odd');
    });

    it('goes on after failures with on_failure=continue, and fails in the end', async () => {
      const { code } = await parallel('odd', 'seed=1,2,3,4', 'hydra.launcher.on_failure=continue');
      expect(code).to.equal(1);
      expect(manifest().jobs.map(({ status }) => status)).to.deep.equal(['failed', 'done', 'failed', 'done']);
    });

    it('starts a failed job again with on_failure=retry, in a folder of its own', async () => {
      const { code, err } = await parallel(
        'flaky',
        'seed=2',
        'hydra.launcher.on_failure=retry',
        'hydra.launcher.retries=3',
      );
      expect(code).to.equal(0);
      expect(err).to.include('#0 is started again (2 of 3)');
      const [job] = manifest().jobs;
      expect(job).to.include({ status: 'done', folder: '0-3' });
      expect(job!.attempts.map(({ folder, status }) => [folder, status])).to.deep.equal([
        ['0', 'failed'],
        ['0-2', 'failed'],
        ['0-3', 'done'],
      ]);
    });

    it('ends a job early that is worse than the median of the others, also of those beside it, and goes on', async () => {
      const { code, out, err } = await parallel(
        'descend',
        '+hydra.sweeper.objective=validation/loss',
        '+hydra.sweeper.prune_after=2',
        'seed=1,2,9,0',
      );
      expect(code).to.equal(0);
      expect(err).to.include('#2 seed=9: worse than the median of the others at this step');
      expect(tableOf(out)).to.equal(
        [
          'Sweep in swept',
          'job  seed  validation/loss  status      time  folder',
          '───  ────  ───────────────  ──────────  ────  ──────',
          '  0     1                6  done        0:00       0',
          '  1     2               16  done        0:00       1',
          '  2     9               89  pruned      0:00       2',
          '  3     0               -4  done, best  0:00       3',
          'best: job 3, validation/loss -4  seed=0',
          '',
        ].join('\n'),
      );
      expect(readRunRecord(join(project.root, 'swept', '2')).status).to.equal('interrupted');
    });

    it('when interrupted ends all that run in order, starts no more and exits 130', async () => {
      const ended = parallel('wait', 'seed=1,2,3');
      await project.shown('[#0 seed=1] waiting');
      await project.shown('[#1 seed=2] waiting');
      process.emit('SIGTERM');
      const { code, out } = await ended;
      expect(code).to.equal(130);
      expect(out).to.match(/ {2}1 +2 {2}interrupted +0:\d\d +1\n {2}2 +3 {2}queued\n/);
      expect(existsSync(join(project.root, 'swept/0/checkpoint'))).to.equal(true);
      expect(manifest().jobs.map(({ status }) => status)).to.deep.equal([
        'interrupted',
        'interrupted',
        'queued',
      ]);
      expect(manifest()).to.include({ status: 'interrupted' });
    });

    const refused: [option: string, message: string][] = [
      ['n_jobs=0', 'hydra.launcher.n_jobs: '],
      ['on_failure=retri', 'did you mean retry?'],
      ['n_job=2', "Key 'n_job' is not in struct"],
    ];
    for (const [option, message] of refused) {
      it(`refuses ${option} before anything starts`, async () => {
        const { code, err } = await parallel('answer', `hydra.launcher.${option}`);
        expect([code, existsSync(join(project.root, 'swept'))]).to.deep.equal([2, false]);
        expect(err).to.include(message);
      });
    }
  });

  const nothingLeft: [what: string, overrides: string[], code: number, message: RegExp][] = [
    ['a mistake in the last job', ['seed=1,x'], 2, /seed: expected an integer, got "x"/],
    [
      'mistakes in several jobs',
      ['seed=x,1,y', 'data=5,null'],
      2,
      /the config has 3 mistakes:\n {2}data: .*got 5\n.*\n {2}seed: .*"x"\n.*\n {2}seed: .*"y"/,
    ],
    ['a key that does not exist', ['sead=1,2'], 2, /did you mean 'seed'/],
    ['an interval without a sampling sweeper', ['seed=interval(0,1)'], 2, /hydra\/sweeper=random/],
    ['a launcher that is none', ['hydra.launcher=null'], 2, /hydra.launcher names no launcher/],
    [
      'an option of a launcher that is not chosen',
      ['hydra.launcher.n_jobs=2'],
      2,
      /hint: hydra\/launcher=local has this key/,
    ],
    ['a sweep without jobs', ['seed=range(3,3)'], 0, /the sweep has no jobs/],
  ];
  for (const [what, overrides, wanted, message] of nothingLeft) {
    it(`leaves no folder behind for ${what}`, async () => {
      const { code, err } = await sweep('train', ...overrides);
      expect(code).to.equal(wanted);
      expect(err).to.match(message);
      expect(existsSync(join(project.root, 'swept'))).to.equal(false);
    });
  }
});
