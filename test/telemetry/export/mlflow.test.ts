import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { MlflowTracker } from '../../../src/telemetry/export/mlflow.js';
import { sendRun } from '../../../src/telemetry/export/send-run.js';
import { FakeMlflow } from '../fixtures/fake-mlflow.js';
import { end, LoggingRun, start } from '../fixtures/logging-run.js';

describe('an export to MLflow', () => {
  let logged: LoggingRun;
  let server: FakeMlflow;
  let tracking_uri: string;
  beforeEach(async () => {
    logged = new LoggingRun();
    server = new FakeMlflow();
    tracking_uri = await server.http.start();
  });
  afterEach(async () => {
    await server.http.stop();
    logged.remove();
    delete process.env.MLFLOW_TRACKING_TOKEN;
  });
  const tracker = () => new MlflowTracker({ tracking_uri, experiment: 'mine' });
  const run = () => [...server.runs.values()].at(-1)!;
  const steps = () => [...run().metrics.values()].map(({ step }) => step);

  it('gives the server the run, its config, every value with its time, and its end', async () => {
    logged.log(1, { 'train/loss': 2.5, 'odd(name)': 1, '/a//b/': 2 });
    logged.log(2, { 'train/loss': 'NaN', up: 'Infinity' });
    await sendRun(logged.folder, 'mlflow', tracker(), end);
    expect(server.runs.size).to.equal(1);
    expect(run()).to.include({
      run_name: 'train/1',
      start_time: start,
      status: 'FINISHED',
      end_time: start + 60_000,
    });
    expect(run().params).to.include({ seed: '7', 'training.lr': '0.1', 'training.list': '[1,2]' });
    expect(run().tags).to.include({ 'mlflow.source.git.commit': '1'.repeat(40), 'sluice.run': 'train/1' });
    expect([...run().metrics.values()]).to.deep.equal([
      { key: 'train/loss', value: 2.5, timestamp: start + 1000, step: 1 },
      { key: 'odd_name_', value: 1, timestamp: start + 1000, step: 1 },
      { key: '_a__b_', value: 2, timestamp: start + 1000, step: 1 },
      { key: 'train/loss', value: Number.NaN, timestamp: start + 2000, step: 2 },
      { key: 'up', value: Number.POSITIVE_INFINITY, timestamp: start + 2000, step: 2 },
      { key: 'result/rows', value: 7, timestamp: start + 60_000, step: 2 },
    ]);
  });

  it('keeps the limits of a request, however many values there are', async () => {
    const values = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`m${i}`, i]));
    for (let step = 1; step <= 30; step++) logged.log(step, values);
    await sendRun(logged.folder, 'mlflow', tracker(), end);
    expect(run().metrics.size).to.equal(9001);
  });

  it('goes on from where it stopped, and doubles nothing that was taken without an answer', async () => {
    for (let step = 1; step <= 5; step++) logged.log(step, { loss: step });
    const away = { status: 503, takesEffect: true };
    for (const before of [0, 1, 2, 3, 4]) {
      // after `before` good answers, one that takes effect and is lost
      server.http.faults.push(...Array.from({ length: before }, () => undefined!), away);
      await sendRun(logged.folder, 'mlflow', tracker(), end).then(
        () => {},
        (error: Error) => expect(error.message).to.match(/is busy: HTTP 503/),
      );
      server.http.faults.length = 0;
    }
    const { rows, ended } = await sendRun(logged.folder, 'mlflow', tracker(), end);
    expect([rows, ended, server.runs.size, steps()]).to.deep.equal([5, true, 1, [1, 2, 3, 4, 5, 5]]);
    for (const damaged of ['{"server":', '{}']) {
      writeFileSync(join(logged.folder, 'export/mlflow.json'), damaged);
      await sendRun(logged.folder, 'mlflow', tracker(), end);
      expect([server.runs.size, steps()]).to.deep.equal([1, [1, 2, 3, 4, 5, 5]]);
    }
  });

  it('sends the token of the environment, and leaves it nowhere', async () => {
    process.env.MLFLOW_TRACKING_TOKEN = 'the-secret';
    logged.log(1, { loss: 1 });
    await sendRun(logged.folder, 'mlflow', tracker(), end);
    expect(server.http.asked.every(({ headers }) => headers.authorization === 'Bearer the-secret')).to.equal(
      true,
    );
    server.http.faults.push({ status: 401, body: { error_code: 'UNAUTHENTICATED', message: 'no' } });
    rmSync(join(logged.folder, 'export'), { recursive: true });
    const refused = await sendRun(logged.folder, 'mlflow', tracker(), end).catch(
      (error: Error) => error.message,
    );
    expect(refused).to.equal('the server refuses experiments/get-by-name: UNAUTHENTICATED: no');
    for (const name of readdirSync(logged.folder, {
      recursive: true,
      encoding: 'utf8',
      withFileTypes: true,
    }).filter((entry) => entry.isFile()))
      expect(readFileSync(join(name.parentPath, name.name), 'utf8')).not.to.contain('the-secret');
  });

  const addresses: [uri: string, message: RegExp][] = [
    ['http://me:pass@127.0.0.1:1', /^tracking_uri holds a name or password/],
    ['file:///mlruns', /^tracking_uri is a file: address/],
    ['not an address', /^tracking_uri is no address/],
  ];
  for (const [uri, message] of addresses) {
    it(`refuses ${uri}`, async () => {
      const refused = await sendRun(
        logged.folder,
        'mlflow',
        new MlflowTracker({ tracking_uri: uri }),
        end,
      ).catch((error: Error) => error);
      expect(refused).to.be.an('error').with.property('message').that.matches(message);
    });
  }
});
