import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { makeRun } from '../../runner/fixtures/make-run.js';
import { FakeMlflow } from '../../telemetry/fixtures/fake-mlflow.js';
import { CommandLineProject } from '../command-line-run.js';

describe('./run runs export', () => {
  let project: CommandLineProject;
  let server: FakeMlflow;
  let uri: string;
  beforeEach(async () => {
    project = new CommandLineProject();
    server = new FakeMlflow();
    uri = await server.http.start();
  });
  afterEach(async () => {
    await server.http.stop();
    project.remove();
  });
  const metrics = [1, 2]
    .map((step) => JSON.stringify({ step, time: '2026-01-31T12:00:01.000Z', loss: step }))
    .join('\n');
  const config = (tracking_uri: string) => ({
    telemetry: { sinks: { any: { _target_: 'mlflow', tracking_uri } } },
  });

  it('sends what the server does not have, a killed run too, and then has nothing left', async () => {
    const files = { 'metrics.jsonl': `${metrics}\n{"torn` };
    await makeRun(project.root, {
      id: 'train/1',
      status: 'running',
      pid: 99_999_999,
      config: config(uri),
      files,
      endedAt: null,
      exitCode: null,
    });
    expect((await project.run('runs', 'export', 'train/1')).out).to.equal(
      `mlflow: sent 2 rows, ${uri} has 2\n`,
    );
    expect((await project.run('runs', 'export', 'train/1')).out).to.equal(
      `mlflow: nothing was left to send, ${uri} has 2\n`,
    );
    expect([...server.runs.values()].map(({ status, metrics }) => [status, metrics.size])).to.deep.equal([
      ['KILLED', 2],
    ]);
  });

  it('does not send a run to another server than it was sent to', async () => {
    await makeRun(project.root, {
      id: 'train/1',
      config: config(uri),
      files: { 'metrics.jsonl': `${metrics}\n` },
    });
    await project.run('runs', 'export', 'train/1');
    const state = join(project.root, 'outputs/train/1/export/mlflow.json');
    project.write(
      'outputs/train/1/export/mlflow.json',
      readFileSync(state, 'utf8').replace(uri, 'http://elsewhere'),
    );
    const { code, err } = await project.run('runs', 'export', 'train/1');
    expect(code).to.equal(2);
    expect(err).to.contain(`mlflow: the run was sent to http://elsewhere, not to ${uri}\n`);
  });

  it('tells why there is nothing to do, or that the server is not there', async () => {
    await makeRun(project.root, { id: 'train/1' });
    await makeRun(project.root, { id: 'train/2', config: config('http://127.0.0.1:1') });
    const rows: [words: string[], code: number, message: RegExp][] = [
      [
        ['train/1'],
        2,
        /the config of train\/1 names no server to send to\n {2}hint: name one: to=mlflow or to=wandb/,
      ],
      [['train/1', 'to=nowhere'], 2, /to=nowhere: mlflow, wandb are there/],
      [['train/2'], 1, /^error: mlflow: http:\/\/127\.0\.0\.1:1 does not answer/],
    ];
    for (const [words, wanted, message] of rows) {
      const { code, err } = await project.run('runs', 'export', ...words);
      expect(code).to.equal(wanted);
      expect(err).to.match(message);
    }
  });

  describe('of a run that goes on', () => {
    const sink = (flush_seconds: number) =>
      `+telemetry={sinks: {server: {_target_: mlflow, tracking_uri: '${uri}', flush_seconds: ${flush_seconds}}}}`;
    const record = (folder: string) =>
      JSON.parse(readFileSync(join(project.root, folder, 'run.json'), 'utf8')) as { status: string };

    it('with a server that never answers ends well, and no later than it was told to wait', async function () {
      this.retries(2); // two runs are timed, on a machine that may have other work
      const seconds = async (...words: string[]) => {
        const started = performance.now();
        const { code, err } = await project.run('train', ...words);
        expect(code, err).to.equal(0);
        return { seconds: (performance.now() - started) / 1000, err };
      };
      server.http.faults.push(...Array.from({ length: 9 }, () => ({ silent: true })));
      const without = await seconds('hydra.run.dir=without');
      const hanging = await seconds('hydra.run.dir=hanging', sink(0.5));
      expect(hanging.seconds - without.seconds).to.be.lessThan(0.5 + 1);
      expect(hanging.err).to.contain(
        'warning: metrics sink server: not all was sent: no answer within 0.5 s; ',
      );
      server.http.faults.length = 0;
      const later = await project.run('runs', 'export', 'hanging');
      expect(later.out).to.equal(`mlflow: sent 3 rows, ${uri} has 3\n`);
    });

    it('is recorded as done before the last is sent, and Ctrl-C ends only the sending', async () => {
      server.http.faults.push(...Array.from({ length: 9 }, () => ({ silent: true })));
      const running = project.run('train', 'hydra.run.dir=out', sink(60));
      await poll(() => existsSync(join(project.root, 'out/run.json')) && record('out').status === 'done');
      process.emit('SIGINT');
      const { code, err } = await running;
      expect(code, err).to.equal(0);
      expect(err).to.contain('not all was sent: told not to wait; ./run runs export sends later');
    });
  });
});

async function poll(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !attempt(holds); i++) await sleep(10);
}

// A file may be seen while it is written.
function attempt(holds: () => boolean): boolean {
  try {
    return holds();
  } catch {
    return false;
  }
}
