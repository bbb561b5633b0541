import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { main } from '../../src/cli/main.js';
import { History } from '../../src/runner/history.js';
import { readRunRecord } from '../../src/runner/run-record.js';
import { commandLineProject } from '../runner/fixtures/command-line.js';
import { Lines } from '../runner/fixtures/lines.js';

describe('plugins named in a config', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'sluice-plugins-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  async function run(...argv: string[]) {
    const [stdout, stderr] = [new Lines(), new Lines()];
    const code = await main(argv, commandLineProject(root, stdout, stderr));
    return { code, out: stdout.text, err: stderr.text };
  }
  const runFolder = () => join(root, 'outputs', new History(root).list().at(-1)!.id);
  const inRun = (name: string) => readFileSync(join(runFolder(), name), 'utf8');

  describe('callbacks', () => {
    interface Heard {
      event: string;
      name: string;
      config: Record<string, unknown>;
      label?: string;
      folder?: string;
      job_return?: { status: string; exit_code: number; folder: string };
    }
    const heard = (): Heard[] =>
      readFileSync(join(root, 'heard'), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
    const recorder = (name: string, ...more: string[]) => [
      `+hydra.callbacks.${name}._target_=recorder`,
      `+hydra.callbacks.${name}.file=${join(root, 'heard')}`,
      `+hydra.callbacks.${name}.name=${name}`,
      ...more.map((each) => `+hydra.callbacks.${name}.${each}`),
    ];

    it('are told of a run and its job in the order of the config, and of their ends the other way round', async () => {
      const { code, err } = await run('train', 'seed=9', ...recorder('one'), ...recorder('two'));
      expect(code, err).to.equal(0);
      expect(heard().map(({ event, name }) => `${event} ${name}`)).to.deep.equal([
        ...['on_compose_config one', 'on_compose_config two', 'on_run_start one', 'on_run_start two'],
        ...['on_job_start one', 'on_job_start two', 'on_job_end two', 'on_job_end one'],
        ...['on_run_end two', 'on_run_end one'],
      ]);
      for (const { config } of heard()) expect(config).to.deep.equal({ seed: 9, data: null });
      const end = heard().find(({ event }) => event === 'on_job_end')!;
      expect(end).to.deep.include({ label: 'train', folder: runFolder() });
      expect(end.job_return).to.include({ status: 'done', exit_code: 0, folder: runFolder() });
      expect(inRun('.hydra/config.yaml')).not.to.contain('spoilt');
    });

    it('are told how a job ended whose process crashed', async () => {
      const { code } = await run('crash', ...recorder('one'));
      expect(code).to.equal(1);
      const ends = heard().filter(({ job_return }) => job_return !== undefined);
      expect(ends.map(({ event }) => event)).to.deep.equal(['on_job_end', 'on_run_end']);
      for (const { job_return } of ends) expect(job_return).to.include({ status: 'failed', exit_code: 1 });
    });

    it('are told of a multirun, and of a job for every combination', async () => {
      const { code, err } = await run('answer', '-m', 'seed=1,2', ...recorder('one'));
      expect(code, err).to.equal(0);
      expect(heard().map(({ event, config }) => `${event} ${config.seed}`)).to.deep.equal([
        ...['on_compose_config 7', 'on_multirun_start 7'],
        ...['on_job_start 1', 'on_job_end 1', 'on_job_start 2', 'on_job_end 2', 'on_multirun_end 7'],
      ]);
    });

    it('are told of a pipeline as one run, and of its steps as jobs', async () => {
      const { code, err } = await run('tour', ...recorder('one'));
      expect(code, err).to.equal(0);
      expect(heard().map(({ event, label = '' }) => `${event} ${label}`)).to.deep.equal([
        ...['on_compose_config ', 'on_run_start ', 'on_job_start base', 'on_job_end base'],
        ...['on_job_start copy', 'on_job_end copy', 'on_run_end '],
      ]);
    });

    it('that throw are a warning that names them; run and other callbacks go on', async () => {
      const { code, err } = await run('train', ...recorder('one', 'fail=on_job_start'), ...recorder('two'));
      expect(code).to.equal(0);
      expect(err).to.contain('warning: callback one: on_job_start failed: no on_job_start today\n');
      expect(heard().map(({ event, name }) => `${event} ${name}`)).to.include('on_job_start two');
    });

    it('say with log_times where the time went', async () => {
      const { err } = await run('tour', '+hydra.callbacks={times: {_target_: log_times, slowest: 1}}');
      expect(err)
        .to.match(/^times: base done after 0:0\d$/m)
        .and.to.match(/^times: copy done after 0:0\d$/m);
      expect(err).to.match(/^times: 2 jobs took 0:0\d\ntimes: 0:0\d +\d+ % {2}(base|copy)\n(?!times)/m);
    });

    it('are not made where a config is only printed', async () => {
      await run('train', '--cfg', 'job', ...recorder('one'));
      expect(existsSync(join(root, 'heard'))).to.equal(false);
    });
  });

  it('launch the process of a stage', async () => {
    const { code, err } = await run('train', '++hydra.launcher={_target_: announcing, words: off we go}');
    expect(code, err).to.equal(0);
    expect(inRun('run.log')).to.contain('off we go\n');
  });

  it('launch under the name that Hydra has for the one that is built in', async () => {
    const { out } = await run('train', '--cfg', 'hydra', '-p', 'hydra.launcher');
    expect(out).to.contain('_target_: hydra._internal.core_plugins.basic_launcher.BasicLauncher');
    expect((await run('answer', 'hydra.launcher._target_=local')).code).to.equal(0);
  });

  it('take the metrics of a run, beside metrics.jsonl', async () => {
    const sinks =
      '+telemetry.sinks={mine: {_target_: names, file: names.txt}, csv: {_target_: csv}, none: null}';
    const { code, err } = await run('train', sinks);
    expect(code, err).to.equal(0);
    const names = 'train/loss train/bad';
    expect(inRun('names.txt')).to.equal(`1 ${names}\n2 ${names}\n3 ${names}\n`);
    expect(inRun('metrics.csv')).to.match(
      /^step,time,metric,value\n1,[^,]*,train\/loss,3\n1,[^,]*,train\/bad,NaN\n/,
    );
    expect(inRun('metrics.jsonl').trimEnd().split('\n')).to.have.length(3);
  });

  it('that lose the metrics do not lose the run', async () => {
    const { code, err } = await run('train', '+telemetry.sinks.web._target_=broken');
    expect(code).to.equal(0);
    const warning = 'metrics sink web failed: the server is gone';
    expect(err.split(warning), 'told once').to.have.length(2);
    expect(inRun('run.log')).to.contain(`[WARNING] - ${warning}\n`);
    expect(readRunRecord(runFolder()).status).to.equal('done');
  });

  it('decide the jobs of a multirun', async () => {
    const sweeper = '++hydra.sweeper={_target_: corners, reverse: true, params: {seed: "1,2,3"}}';
    const { code, err } = await run('answer', '-m', sweeper, '+hydra.callbacks.times._target_=log_times');
    expect(code, err).to.equal(0);
    expect(err.match(/^times: #\d .* done/gm)?.map((line) => line.replace(/ done$/, ''))).to.deep.equal([
      'times: #0 seed=3',
      'times: #1 seed=1',
    ]);
  });

  const refused: [override: string, ...parts: string[]][] = [
    [
      '+hydra.callbacks.x._target_=recordr',
      'hydra.callbacks.x._target_: there is no callback recordr',
      'did you mean recorder?',
    ],
    ['+hydra.callbacks.x._target_=deaf', 'callback x hears no event', 'on_run_start'],
    [
      '+hydra.callbacks.x._target_=misspelt',
      'callback x: there is no event on_job_stat',
      'did you mean on_job_start?',
    ],
    [
      'hydra.launcher._target_=my.pkg.Launcher',
      'my.pkg.Launcher is a path into a module',
      'stages/plugins.ts',
    ],
    ['hydra.launcher={_target_: announcing}', 'hydra.launcher.words: missing; expected text'],
    ['+telemetry.sinks.x={_target_: csv, fil: a}', 'telemetry.sinks.x.fil: unknown key'],
    ['+hydra.sweeper.n_trials=3', 'hydra.sweeper.n_trials: unknown key'],
  ];
  for (const [override, ...parts] of refused) {
    it(`are refused before anything starts: ${override}`, async () => {
      const { code, err } = await run('train', override);
      expect(code).to.equal(2);
      for (const part of parts) expect(err).to.contain(part);
      expect(err).to.contain(`override ${override}`);
      expect(existsSync(join(root, 'outputs'))).to.equal(false);
    });
  }
});
