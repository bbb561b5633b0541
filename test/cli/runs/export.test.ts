import { readFileSync } from 'node:fs';
import { join } from 'node:path';
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
});
