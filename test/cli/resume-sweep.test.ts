import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  manifestName,
  manifestText,
  readSweepManifest,
  type SweepManifest,
} from '../../src/runner/sweep-manifest.js';
import { CommandLineProject } from './command-line-run.js';

describe('--resume-sweep', () => {
  let project: CommandLineProject;
  let folder: string;
  beforeEach(() => {
    project = new CommandLineProject();
    folder = join(project.root, 'outputs/swept');
  });
  afterEach(() => project.remove());

  const sweep = (stage: string, ...rest: string[]) =>
    project.run(stage, '-m', 'hydra.sweep.dir=outputs/swept', 'hydra/launcher=local', ...rest);
  const manifest = () => readSweepManifest(folder);
  const write = (changed: SweepManifest) => writeFileSync(join(folder, manifestName), manifestText(changed));
  const jobs = () => manifest().jobs.map(({ status, folder: own }) => [status, own]);
  const open = (...seeds: number[]) => {
    for (const seed of seeds) writeFileSync(join(project.root, `open-${seed}`), '');
  };

  /** A sweep over seeds 1 to 4, two at a time, of which 1 and 2 are done when it is interrupted. */
  async function interrupted(): Promise<{ code: number; err: string }> {
    open(1, 2);
    const ended = sweep('gate', 'seed=1,2,3,4', 'hydra.launcher.n_jobs=2');
    await project.shown('[#2 seed=3] waiting');
    await project.shown('[#3 seed=4] waiting');
    process.emit('SIGINT');
    return ended;
  }

  it('runs what is unfinished, in folders of its own, and keeps what is done', async () => {
    const first = await interrupted();
    expect(first.code).to.equal(130);
    expect(first.err).to.include('go on with what is unfinished: ./run --resume-sweep outputs/swept\n');
    const before = statSync(join(folder, '0/run.json')).mtimeMs;
    open(3, 4);
    const { code, err } = await project.run('--resume-sweep');
    expect([code, err]).to.deep.equal([0, err.replace(/new in the sweep|no longer/g, '-')]);
    expect(jobs()).to.deep.equal([
      ['done', '0'],
      ['done', '1'],
      ['done', '2-2'],
      ['done', '3-2'],
    ]);
    expect(manifest().jobs[2]!.attempts.map(({ status }) => status)).to.deep.equal(['interrupted', 'done']);
    expect(statSync(join(folder, '0/run.json')).mtimeMs).to.equal(before);
    expect(manifest()).to.include({ status: 'done', command: manifest().command });
  });

  it('takes further overrides, and leaves the jobs that they do not touch', async () => {
    await sweep('answer', 'seed=1,2');
    const { code, err } = await project.run(
      '--resume-sweep',
      'latest',
      'seed=2,5',
      'hydra.launcher.n_jobs=2',
    );
    expect(code).to.equal(0);
    expect(jobs()).to.deep.equal([
      ['done', '1'],
      ['done', '1-2'],
    ]);
    expect(err).to.include('new in the sweep: #1 seed=5\n');
    expect(err).to.include('no longer part of the sweep, their folders stay: #0 seed=1\n');
    expect(manifest().obsolete?.map(({ num }) => num)).to.deep.equal([0]);
  });

  it('runs a job anew whose config has changed behind the same overrides, and says so', async () => {
    await sweep('answer', 'seed=1');
    project.write('configs/answer.yaml', 'defaults:\n  - base\n  - _self_\n\ndata: other\n');
    const { code, err } = await project.run('answer', '-m', 'seed=1', '--resume-sweep', 'outputs/swept');
    expect(code).to.equal(0);
    expect(err).to.include('the config behind the same overrides has changed, these run anew: #0\n');
    expect(jobs()).to.deep.equal([['done', '0-2']]);
    expect(manifest().obsolete).to.have.length(1);
  });

  it('goes on from the checkpoint of a job that was interrupted', async () => {
    writeFileSync(join(project.root, 'hold'), '');
    const ended = sweep('climb', '+resume=null');
    await project.shown('holding');
    process.emit('SIGINT');
    expect((await ended).code).to.equal(130);
    rmSync(join(project.root, 'hold'));
    const { code, err } = await project.run('--resume-sweep');
    expect(code).to.equal(0);
    expect(err).to.include('#0 goes on from step 3 of 0\n');
    expect(readFileSync(join(folder, '0-2/top.txt'), 'utf8')).to.equal('from 3');
    expect(await project.run('--resume-sweep')).to.include({ code: 0, err: '' }); // it is known as the same job
  });

  it('leaves nothing to a retry that an attempt before it has done', async () => {
    writeFileSync(join(project.root, 'pit'), '');
    const { code, err } = await sweep('climb', '+resume=null', 'hydra.launcher.on_failure=retry');
    expect(code).to.equal(0);
    expect(err).to.include('#0 is started again (1 of 1)\n').and.to.include('#0 goes on from step 4 of 0\n');
    expect(readFileSync(join(folder, '0-2/top.txt'), 'utf8')).to.equal('from 4');
  });

  it('starts failed jobs again', async () => {
    await sweep('flaky', 'seed=2,2', 'hydra.launcher.on_failure=continue');
    expect(jobs().map(([status]) => status)).to.deep.equal(['failed', 'failed']);
    expect((await project.run('--resume-sweep=outputs/swept')).code).to.equal(0);
    expect(jobs()).to.deep.equal([
      ['done', '0-2'],
      ['done', '1-2'],
    ]);
  });

  it('does nothing where all is done, and nothing is advised', async () => {
    await sweep('answer', 'seed=1,2');
    const { code, out, err } = await project.run('--resume-sweep');
    expect([code, err]).to.deep.equal([0, '']);
    expect(out).to.match(/ {2}0 +1 .* done .*\n {2}1 +2 .* done /);
  });

  it('believes the folder of a job before the manifest, which a killed sweep could not finish', async () => {
    await sweep('answer', 'seed=1,2');
    const cut = manifest();
    for (const job of cut.jobs) job.status = job.attempts[0]!.status = 'running';
    writeFileSync(join(folder, '1/run.json'), '{"sta');
    write({ ...cut, status: 'running', pid: 2 ** 22 });
    expect((await project.run('--resume-sweep')).code).to.equal(0);
    expect(manifest().jobs.map((job) => job.attempts.map(({ status }) => status))).to.deep.equal([
      ['done'],
      ['interrupted', 'done'],
    ]);
  });

  const search = ['hydra.sweeper.n_trials=6', 'seed=range(0,60)', 'hydra.launcher.n_jobs=2'];
  for (const sweeper of ['random', 'tpe']) {
    it(`asks ${sweeper} for the same jobs as if it had never been cut`, async () => {
      const startup = sweeper === 'tpe' ? ['hydra.sweeper.n_startup_trials=2'] : [];
      const objective = ['++hydra.sweeper.objective=validation/loss'];
      await sweep('score', `hydra/sweeper=${sweeper}`, ...startup, ...objective, ...search);
      const whole = manifest();
      // Killed while the second pair ran: random has all its jobs in the manifest, tpe only those it had been asked for.
      const cut = structuredClone(whole);
      if (sweeper === 'tpe') cut.jobs.splice(4);
      for (const { num } of whole.jobs.slice(2)) rmSync(join(folder, String(num)), { recursive: true });
      for (const job of cut.jobs.slice(2)) delete job.told;
      write(cut);
      const { code, err } = await project.run('--resume-sweep', 'hydra.launcher.n_jobs=1');
      expect([code, err.includes('new in the sweep')]).to.deep.equal([0, false]);
      const facts = ({ jobs: all }: typeof whole) =>
        all.map(({ num, overrides, objective: value, status }) => [num, overrides, value, status]);
      expect(facts(manifest())).to.deep.equal(facts(whole));
      expect(readFileSync(join(folder, 'optimization_results.yaml'), 'utf8')).to.include(`name: ${sweeper}`);
    }).timeout(60_000);
  }

  const refused: [what: string, argv: string[], message: string][] = [
    ['a folder that is none of a sweep', ['--resume-sweep', './configs'], 'not the folder of a sweep'],
    [
      'a sweep of another stage',
      ['score', '--resume-sweep', 'outputs/swept'],
      'a sweep of answer, not of score',
    ],
    ['no sweep at all', ['score', '--resume-sweep'], 'there is no sweep of score below outputs/'],
    [
      'a stage that does not exist',
      ['scor', '--resume-sweep'],
      'there is no stage, pipeline or command scor',
    ],
    ['--plan beside it', ['--resume-sweep', '--plan'], 'got --plan and --resume-sweep'],
  ];
  it('refuses what it cannot go on with', async () => {
    await sweep('answer', 'seed=1');
    for (const [what, argv, message] of refused) {
      const { code, err } = await project.run(...argv);
      expect(err, what).to.include(message);
      expect(code, what).to.be.oneOf([1, 2]);
    }
  });

  it('refuses a sweep that another process is at work on', async () => {
    await sweep('answer', 'seed=1');
    write({ ...manifest(), status: 'running', pid: process.ppid, processStart: null });
    const { code, err } = await project.run('--resume-sweep');
    expect(code).to.equal(2);
    expect(err).to.include(`still running, as process ${process.ppid}`);
  });
});
