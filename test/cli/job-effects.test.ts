import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { CommandLineProject } from './command-line-run.js';

describe("what a config says of its job in Hydra's node", () => {
  let project: CommandLineProject;
  beforeEach(() => {
    project = new CommandLineProject();
  });
  afterEach(() => project.remove());
  const here = 'hydra.run.dir=out';
  const read = (...path: string[]) => readFileSync(join(project.root, ...path), 'utf8');
  const where = async (...overrides: string[]) => {
    const { code, out, err } = await project.run('where', here, '--log', 'json', ...overrides);
    expect(code, err).to.equal(0);
    return JSON.parse(out) as { cwd: string; variable?: string; data: string };
  };

  it('writes .hydra/ as Hydra does, with the folder and the mode filled in', async () => {
    await where('seed=3', 'hydra.job.name=x');
    expect(readdirSync(join(project.root, 'out/.hydra')).sort()).to.deep.equal([
      'config.yaml',
      'hydra.yaml',
      'overrides.yaml',
    ]);
    expect(read('out/.hydra/config.yaml')).to.equal('seed: 3\ndata: null\n');
    const origins = read('out/origins.jsonl').trim().split('\n');
    expect(origins.map((line) => JSON.parse(line).where)).to.deep.equal([
      'override seed=3',
      'configs/where.yaml:5:7',
    ]);
    expect(read('out/.hydra/overrides.yaml')).to.equal('- seed=3\n');
    const hydra = read('out/.hydra/hydra.yaml');
    expect(hydra).to.contain(
      '  overrides:\n    hydra:\n    - hydra.run.dir=out\n    - hydra.job.name=x\n    - hydra.mode=RUN\n    task:\n    - seed=3\n',
    );
    expect(hydra).to.contain(`    output_dir: ${join(project.root, 'out')}\n`);
    expect(hydra)
      .to.contain(`    cwd: ${project.root}\n`)
      .and.to.match(/^ {2}help:$/m);
    expect(hydra).to.contain('    name: x\n').and.to.contain('    config_name: where\n');
  });

  it('hydra.output_subdir names that folder, or leaves it out', async () => {
    await where('hydra.output_subdir=made/by');
    expect(read('out/made/by/config.yaml')).to.equal('seed: 7\ndata: null\n');
    expect(existsSync(join(project.root, 'out/.hydra'))).to.equal(false);
    await where('hydra.output_subdir=null', 'hydra.run.dir=bare');
    expect(readdirSync(join(project.root, 'bare')))
      .to.include('run.json')
      .and.not.include('.hydra');
  });

  it('lets the config refer to the folder of the run, also where that had to move', async () => {
    const data = 'data=${hydra:runtime.output_dir}/x';
    expect((await where(data)).data).to.equal(join(project.root, 'out/x'));
    expect((await where(data)).data).to.equal(join(project.root, 'out-2/x'));
    expect(read('out-2/.hydra/hydra.yaml')).to.contain(`output_dir: ${join(project.root, 'out-2')}\n`);
    expect(read('out-2/run.log')).to.contain('[where][WARNING] - mind the step');
  });

  it('starts the stage in the project, or with hydra.job.chdir in its folder; paths in the config stay', async () => {
    expect(await where('data=a/b')).to.include({ cwd: project.root, data: join(project.root, 'a/b') });
    expect(await where('data=a/b', 'hydra.job.chdir=true', 'hydra.run.dir=other')).to.include({
      cwd: join(project.root, 'other'),
      data: join(project.root, 'a/b'),
    });
  });

  it('sets and copies variables for the stage', async () => {
    expect((await where('+hydra.job.env_set.SLUICE_TEST=set')).variable).to.equal('set');
    project.env = { SLUICE_TEST: 'copied' };
    expect((await where('hydra.job.env_copy=[SLUICE_TEST]')).variable).to.equal('copied');
    expect(process.env.SLUICE_TEST).to.equal(undefined);
  });

  it('hydra/job_logging=stdout keeps to the terminal, =disabled says nothing', async () => {
    const shown = await project.run('where', here, 'hydra/job_logging=stdout');
    expect(shown.err).to.contain('[where] warning: mind the step\n');
    const silent = await project.run('where', here, 'hydra/job_logging=disabled');
    expect(silent.err).not.to.contain('mind the step');
    for (const folder of ['out', 'out-2'])
      expect(existsSync(join(project.root, folder, 'run.log'))).to.equal(false);
  });

  it('hydra.job_logging sets level, form and place of the log', async () => {
    await where(
      'hydra.job_logging.root.level=ERROR',
      "hydra.job_logging.formatters.simple.format='%(levelname)s %(message)s'",
      'hydra.job_logging.handlers.file.filename=logs/${hydra.job.name}.txt',
      'hydra.verbose=data',
    );
    expect(read('logs/where.txt')).to.equal('DEBUG deep inside\n');
  });

  it('hydra.verbose shows debug lines, and how the config came about', async () => {
    const { err } = await project.run('where', here, 'hydra.verbose=true');
    expect(err).to.contain('\nDefaults Tree\n').and.to.contain('[where] debug: deep inside\n');
    expect(err).to.match(/\[where\] debug: the process of where starts in /);
    const own = await project.run('where', here, 'hydra.verbose=hydra', 'hydra/hydra_logging=hydra_debug');
    expect(own.err).not.to.contain('Defaults Tree').and.not.to.contain('deep inside');
    expect(read('hydra-where.log')).to.match(/^\[.*\]\[HYDRA\] Plugins\n/);
  });

  it('hydra.mode=MULTIRUN sweeps without -m, and -m sweeps whatever the mode', async () => {
    const sweep = ['seed=1,2', 'hydra.sweep.dir=sweep'];
    for (const mode of [['hydra.mode=MULTIRUN'], ['-m', 'hydra.mode=RUN']]) {
      const { code, err } = await project.run('where', ...sweep, ...mode);
      expect(code, err).to.equal(0);
    }
    for (const folder of ['sweep/0', 'sweep/1', 'sweep-2/0', 'sweep-2/1']) {
      const hydra = read(folder, '.hydra/hydra.yaml');
      expect(hydra).to.match(/^ {2}mode: MULTIRUN$/m);
      expect(hydra).to.match(new RegExp(`^ {4}num: ${folder.at(-1)}$`, 'm'));
      expect(hydra).to.contain(`output_dir: ${join(project.root, folder)}\n`);
    }
    const { code, err } = await project.run('where', 'seed=1,2');
    expect([code, err]).to.deep.equal([2, err]);
    expect(err).to.contain('Ambiguous value').and.to.contain('--multirun');
  });

  it('a mistake in the logging stops the run before it starts', async () => {
    const { code, err } = await project.run('where', here, 'hydra.job_logging.root.level=LOUD');
    expect(code).to.equal(2);
    expect(err).to.equal(
      'error: hydra.job_logging.root.level: there is no level LOUD\n  at:   override hydra.job_logging.root.level=LOUD\n' +
        '  hint: DEBUG, INFO, WARNING, ERROR, CRITICAL\n',
    );
    expect(existsSync(join(project.root, 'out'))).to.equal(false);
  });
});
