import { cpSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';
import { isAlive } from '../../src/runner/process-identity.js';
import { readRunRecord, writeRunRecord } from '../../src/runner/run-record.js';
import { type KillWhat, killAt } from './kill-at.js';
import { TrainingProject, traceOf } from './training-project.js';

describe('a run that is killed and resumed', function () {
  this.timeout(120_000);
  let project: TrainingProject;
  before(async () => {
    project = await TrainingProject.make();
  });
  after(() => project.remove());

  const training = ['training.max_steps=30', 'training.save_every=4', 'training.log_every=3'];
  const kills: KillWhat[] = ['stage', 'both', 'command'];
  it('ends as the run that was not, for every training stage, whatever was killed', async () => {
    for (const [index, stage] of project.stages(training).entries()) {
      const command = [stage.name, ...stage.overrides, '--log', 'json'];
      const whole = await project.start(command);
      expect(whole.exitCode, whole.stderr as string).to.equal(0);
      const expected = traceOf(project.latest, stage);

      await killAt(project.start(command), 10, kills[index]!);
      const killed = project.latest;
      if (kills[index] === 'stage') {
        // what a native crash does: the stage dies, the command tells and records it
        const { status, exitCode, error } = readRunRecord(killed);
        expect({ status, exitCode, code: error?.code }).to.deep.equal({
          status: 'failed',
          exitCode: 1,
          code: 'stage.crashed',
        });
        expect(error!.hint).to.include(`; resume=${killed} goes on from the last checkpoint`);
      }
      const rest = await project.start([...command, 'resume=latest', 'threads=2']);
      expect(rest.exitCode, rest.stderr as string).to.equal(0);
      expect(traceOf(project.latest, stage), stage.name).to.deep.equal(expected);
      const { facts } = readRunRecord(project.latest);
      expect(facts.resumed_from)
        .to.match(/step_\d+$/)
        .and.to.include(killed);
    }
  });
});

describe('resume=latest', function () {
  this.timeout(120_000);
  let project: TrainingProject;
  let base: string[];
  let first: string;
  before(async () => {
    project = await TrainingProject.make();
    const [pretrain] = project.stages(['training.max_steps=8', 'training.save_every=3']);
    base = ['pretrain', ...pretrain!.overrides, '--log', 'json'];
    await killAt(project.start(base), 7, 'both');
    first = project.latest;
  });
  after(() => project.remove());

  const refused = async (args: readonly string[]) => {
    const { exitCode, stderr } = await project.start([...base, ...args]);
    expect(exitCode, stderr as string).to.equal(2);
    return (stderr as string).replaceAll(project.root, '<root>');
  };

  it('says of each run why it cannot go on', async () => {
    const said = await refused(['resume=latest', 'training.learning_rate=1e-2']);
    expect(said).to.match(
      /^error: resume: no run of pretrain can go on:\n {2}outputs\/\S+ \(lost\): another config: training\.learning_rate was 0\.003, not 0\.01\n/,
    );
    expect(said).to.include('hint: repeat the overrides of the run, or name its folder: resume=outputs/…');
    const none = await project.start(['stage_1', ...project.stages([])[1]!.overrides, 'resume=latest']);
    expect(none.stderr).to.include('resume: there is no run of stage_1_pretrain to go on from');
  });

  it('of a folder names every key that makes it another run, with both values', async () => {
    const folder = relative(project.root, first);
    const said = await refused([`resume=${folder}`, 'seed=1', 'training.optimizer.beta1=0.5', 'threads=2']);
    expect(said).to.include('the config has 2 mistakes');
    expect(said).to.match(
      / {2}seed: 1 here, but 42 in outputs\/\S+step_\d, which resume=… goes on from\n {4}at override seed=1/,
    );
    expect(said).to.include('training.optimizer.beta1: 0.5 here, but 0.9 in');
  });

  it('refuses two verbs at once', async () => {
    expect(await refused(['resume=latest', 'extend=latest'])).to.include(
      'expected at most one of resume, extend, init_from, got resume and extend',
    );
  });

  it('passes over damaged checkpoints with a warning that names them, and takes the last good one', async () => {
    const copy = `${first}-damaged`;
    cpSync(first, copy, { recursive: true });
    writeRunRecord(copy, { ...readRunRecord(first), id: 'damaged', startedAt: '2999-01-01T00:00:00.000Z' });
    const checkpoints = join(copy, 'checkpoints');
    expect(readdirSync(checkpoints)).to.include.members(['step_3', 'step_6']);
    const file = join(checkpoints, 'step_6', 'state.safetensors');
    const bytes = readFileSync(file);
    bytes[bytes.length - 5]! ^= 1;
    writeFileSync(file, bytes);

    const index = join(project.root, 'outputs', 'registry.json');
    renameSync(index, `${index}.aside`); // it does not know the copy
    const planned = await project.start([...base, '--plan', 'resume=latest']);
    expect(planned.exitCode, planned.stderr as string).to.equal(0);
    expect(planned.stderr).to.match(
      /^warning: resume: skipped a damaged checkpoint: \S+damaged\S+step_6: state\.safetensors/m,
    );
    renameSync(`${index}.aside`, index);
    const { exitCode, stderr } = await project.start([...base, `resume=${relative(project.root, copy)}`]);
    expect(exitCode, stderr as string).to.equal(0);
    expect(stderr).to.match(
      /skipped a damaged checkpoint: \S+step_6: state\.safetensors does not have the recorded sha256/,
    );
    expect(readRunRecord(project.latest).facts.resumed_from).to.match(/damaged\/checkpoints\/step_3$/);
    rmSync(join(checkpoints, 'step_3', 'manifest.json'));
    const again = await project.start([...base, `resume=${relative(project.root, copy)}`]);
    expect(again.exitCode).to.equal(1);
    expect(again.stderr).to.match(/there is no complete checkpoint in \S+damaged/);
    rmSync(copy, { recursive: true });
  });

  it('takes the run that went furthest, also when the clock went backwards between two of them', async () => {
    await killAt(project.start([...base, 'resume=latest']), 7, 'both');
    const second = project.latest;
    writeRunRecord(second, { ...readRunRecord(second), startedAt: '2001-01-01T00:00:00.000Z' });
    rmSync(join(project.root, 'outputs', 'registry.json'));
    await killAt(project.start([...base, 'resume=latest']), 7, 'both');
    expect(readRunRecord(project.latest).config.resume).to.include(
      `${relative(project.root, second)}/checkpoints`,
    );
  });

  it('of a run whose checkpoint could not be written has the one before, whole', async () => {
    const limited = ['-c', 'ulimit -f 100; exec "$0" "$@"', process.execPath, ...project.commandLine];
    const full = await execa('bash', [...limited, ...base, 'resume=latest'], { reject: false });
    expect(full.exitCode, full.stderr).to.equal(1);
    expect(full.stderr).to.match(/the checkpoint of step \d cannot be written: EFBIG/);
    expect(full.stderr).to.include('a limit on the size of files stands in the way (ulimit -f)');
    expect(readRunRecord(project.latest)).to.deep.include({ status: 'failed', exitCode: 1 });
    const left = readdirSync(join(project.latest, 'checkpoints'));
    expect(left)
      .to.include('step_6')
      .and.to.satisfy((names: string[]) => names.every((name) => /^step_\d+$/.test(name)));
    const { exitCode, stderr } = await project.start([...base, 'resume=latest']);
    expect(exitCode, stderr as string).to.equal(0);
  });

  it('has no run left once the run is done, and extend=latest gives it more steps', async () => {
    const said = await refused(['resume=latest']);
    expect(said).to.match(/\(done\): it has nothing left to do; extend=… gives it more steps/);
    expect(said).to.match(/\(lost\): outputs\/\S+ went on from it and is done/);
    const { exitCode, stderr } = await project.start([
      ...base,
      'extend=latest',
      'training.max_steps=12',
      'training.save_every=4',
    ]);
    expect(exitCode, stderr as string).to.equal(0);
    expect(stderr).to.match(/extends \S+step_8, of 8 steps, to 12: schedule cosine over all 12 steps/);
    const steps = readFileSync(join(project.latest, 'metrics.jsonl'), 'utf8').match(/"step":\d+/g)!;
    expect(steps).to.include('"step":7').and.to.include('"step":12');
  });

  it('leaves no process behind', () => {
    expect(isAlive(readRunRecord(first).pid)).to.equal(false);
  });
});
