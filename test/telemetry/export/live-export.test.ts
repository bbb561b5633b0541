import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { liveExport } from '../../../src/telemetry/export/live-export.js';
import { MlflowTracker } from '../../../src/telemetry/export/mlflow.js';
import { readExportState, sendRun } from '../../../src/telemetry/export/send-run.js';
import { FakeMlflow } from '../fixtures/fake-mlflow.js';
import { end, LoggingRun } from '../fixtures/logging-run.js';

describe('an export while a run goes on', () => {
  let logged: LoggingRun;
  let server: FakeMlflow;
  let tracking_uri: string;
  let warnings: string[];
  beforeEach(async () => {
    logged = new LoggingRun();
    server = new FakeMlflow();
    tracking_uri = await server.http.start();
    warnings = [];
  });
  afterEach(async () => {
    await server.http.stop();
    logged.remove();
  });
  const open = (flush_seconds = 3, uri = tracking_uri) =>
    liveExport('mlflow', { tracking_uri: uri, interval_seconds: 0.02, flush_seconds } as object)(
      logged.folder,
      0,
      (text) => warnings.push(text),
    );
  const run = () => [...server.runs.values()].at(-1)!;
  const steps = () => [...run().metrics.values()].map(({ step }) => step);
  const until = async (holds: () => boolean) => {
    for (let i = 0; i < 1000 && !holds(); i++) await sleep(5);
    expect(holds()).to.equal(true);
  };

  it('shows its steps before its end, and then all of them', async () => {
    const sink = open();
    await until(() => server.runs.size === 1);
    for (const step of [1, 2, 3]) logged.log(step, { loss: step });
    await until(() => run().metrics.size === 2);
    expect(run().status).to.equal('RUNNING');
    await sink.close({ ...end, status: 'interrupted' });
    expect([steps(), run().status, warnings]).to.deep.equal([[1, 2, 3, 3], 'KILLED', []]);
  });

  it('tries again where the server was busy, and warns once', async () => {
    const busy = [{ status: 500 }, { status: 429, headers: { 'retry-after': '0' } }, { status: 502 }];
    server.http.faults.push(...busy);
    const sink = open();
    for (const step of [1, 2, 3]) logged.log(step, { loss: step });
    await until(() => server.runs.size === 1 && run().metrics.size > 0);
    server.http.faults.push({ status: 503 }); // at the end too
    await sink.close(end);
    expect([steps(), run().status]).to.deep.equal([[1, 2, 3, 3], 'FINISHED']);
    expect(warnings).to.have.length(1);
    expect(warnings[0]).to.match(/is busy: HTTP 500; the run goes on, and sending is tried again$/);
  });

  it('leaves all for later where there is no server, at once', async () => {
    await server.http.stop();
    const sink = open();
    for (let step = 1; step <= 2000; step++) logged.log(step, { loss: step });
    await until(() => warnings.length > 0);
    await sleep(300);
    await expectWithin(1, sink.close(end));
    expect(warnings).to.have.length(2);
    expect(warnings[1]).to.match(
      /^not all was sent: .* does not answer \(ECONNREFUSED\); \.\/run runs export sends/,
    );
    server = new FakeMlflow();
    tracking_uri = await server.http.start();
    await sendRun(logged.folder, 'mlflow', new MlflowTracker({ tracking_uri }), end);
    expect(run().metrics.size).to.equal(2001);
  });

  it('waits no longer than told for a server that takes a request and never answers', async () => {
    server.http.faults.push(...Array.from({ length: 9 }, () => ({ silent: true })));
    const sink = open(0.3);
    logged.log(1, { loss: 1 });
    await until(() => server.http.asked.length > 0);
    await expectWithin(0.8, sink.close(end));
    expect(warnings).to.deep.equal([
      'not all was sent: no answer within 0.3 s; ./run runs export sends later what is missing',
    ]);
  });

  it('nor for its own process when that is stuck, and leaves none behind', async () => {
    const sink = open(0.3);
    await until(() => server.runs.size === 1);
    const { pid } = (sink as unknown as { sender: { pid: number } }).sender;
    process.kill(pid, 'SIGSTOP');
    await expectWithin(0.8, sink.close(end));
    expect(warnings).to.have.length(1);
    await until(() => !isAlive(pid));
  });

  it('ends at once when told not to wait', async () => {
    server.http.faults.push(...Array.from({ length: 9 }, () => ({ silent: true })));
    const sink = open(60);
    await until(() => server.http.asked.length > 0);
    await expectWithin(0.5, sink.close(end, AbortSignal.timeout(50)));
    expect(warnings[0]).to.match(/^not all was sent: told not to wait; /);
  });

  it('tells that its process is gone, and ends no run with it', async () => {
    const sink = open();
    await until(() => server.runs.size === 1);
    process.kill((sink as unknown as { sender: { pid: number } }).sender.pid, 'SIGKILL');
    await expectWithin(0.5, sink.close(end));
    expect(warnings[0]).to.match(/^not all was sent: its process ended before that; /);
  });

  it('stops asking a server that refuses it, and says so', async () => {
    server.http.faults.push({ status: 401, body: {} });
    const sink = open();
    await until(() => warnings.length > 0);
    logged.log(3, { loss: 1 });
    await expectWithin(0.5, sink.close(end));
    expect(server.http.asked).to.have.length(1);
    expect(warnings).to.have.length(1);
    expect(warnings[0]).to.match(
      /refuses experiments\/get-by-name: HTTP 401; the run goes on, \.\/run runs export/,
    );
    expect(readExportState(logged.folder, 'mlflow')).to.include({ remote: null, rows: 0 });
  });
});

/** Fails when it takes longer than `seconds`, and 2 more for a machine with other work; a hung request takes 15. */
async function expectWithin(seconds: number, work: Promise<void>): Promise<void> {
  const started = performance.now();
  await work;
  expect(performance.now() - started).to.be.lessThan(1000 * seconds + 2000);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).startsWith('Z');
  } catch {
    return false;
  }
}
