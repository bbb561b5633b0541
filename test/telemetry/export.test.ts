import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { liveExport } from '../../src/telemetry/export/live-export.js';
import { readRows } from '../../src/telemetry/export/metrics-file.js';
import { MlflowTracker } from '../../src/telemetry/export/mlflow.js';
import type { RunEnd } from '../../src/telemetry/export/run-info.js';
import { readExportState, sendRun } from '../../src/telemetry/export/send-run.js';
import { WandbTracker } from '../../src/telemetry/export/wandb.js';
import { FakeMlflow } from './fixtures/fake-mlflow.js';
import { type Asked, FakeServer } from './fixtures/fake-server.js';

const end: RunEnd = { status: 'done', endedAt: '2026-01-31T12:01:00.000Z', exitCode: 0, result: { rows: 7 } };
const start = Date.parse('2026-01-31T12:00:00.000Z');
const noLimit = new AbortController().signal;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-export-'));
  const run = {
    id: 'train/1',
    stage: 'train',
    command: './run train',
    startedAt: '2026-01-31T12:00:00.000Z',
    host: 'here',
    configSha256: 'c'.repeat(64),
    versions: { commit: `${'1'.repeat(40)}, changed` },
    config: {
      seed: 7,
      training: { lr: 0.1, list: [1, 2], long: 'x'.repeat(2000) },
      odd: { 'a/../b': 1, é: 2, è: 3 },
    },
  };
  writeFileSync(join(folder, 'run.json'), JSON.stringify(run));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  for (const name of ['MLFLOW_TRACKING_TOKEN', 'MLFLOW_TRACKING_URI', 'WANDB_API_KEY'])
    delete process.env[name];
});

function log(step: number, values: Record<string, number | string>): void {
  const time = new Date(start + step * 1000).toISOString();
  appendFileSync(join(folder, 'metrics.jsonl'), `${JSON.stringify({ step, time, ...values })}\n`);
}

describe('rows of metrics.jsonl', () => {
  it('are read from where one stopped, the lines of a step as one, the last step only at the end', () => {
    log(1, { a: 1 });
    log(2, { a: 2 });
    log(2, { b: 'NaN' });
    appendFileSync(join(folder, 'metrics.jsonl'), 'torn\n{"step":3,"ti');
    const first = readRows(folder, 0, false);
    expect(first.rows.map(({ step, values }) => [step, values])).to.deep.equal([[1, { a: 1 }]]);
    expect(readRows(folder, first.offset, false).rows).to.deep.equal([]);
    const last = readRows(folder, first.offset, true);
    expect(last.rows.map(({ step, values }) => [step, values])).to.deep.equal([[2, { a: 2, b: Number.NaN }]]);
    expect(readRows(folder, last.offset, true).rows).to.deep.equal([]);
  });

  it('of a long file come in pieces, each once', () => {
    for (let step = 1; step <= 9000; step++) log(step, { 'train/loss': step, other: 1 / step });
    const steps: number[] = [];
    for (let offset = 0; ; ) {
      const read = readRows(folder, offset, true);
      if (read.rows.length === 0) break;
      expect(read.rows.length).to.be.lessThan(9000);
      steps.push(...read.rows.map(({ step }) => step));
      offset = read.offset;
    }
    expect(steps).to.deep.equal(Array.from({ length: 9000 }, (_, i) => i + 1));
  });
});

describe('an export to MLflow', () => {
  let server: FakeMlflow;
  let tracking_uri: string;
  beforeEach(async () => {
    server = new FakeMlflow();
    tracking_uri = await server.http.start();
  });
  afterEach(() => server.http.stop());
  const tracker = () => new MlflowTracker({ tracking_uri, experiment: 'mine' });
  const run = () => [...server.runs.values()].at(-1)!;
  const steps = () => [...run().metrics.values()].map(({ step }) => step);

  it('gives the server the run, its config, every value with its time, and its end', async () => {
    log(1, { 'train/loss': 2.5, 'odd(name)': 1, '/a//b/': 2 });
    log(2, { 'train/loss': 'NaN', up: 'Infinity' });
    await sendRun(folder, 'mlflow', tracker(), end, noLimit);
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
    for (let step = 1; step <= 30; step++) log(step, values);
    await sendRun(folder, 'mlflow', tracker(), end, noLimit);
    expect(run().metrics.size).to.equal(9001);
  });

  it('goes on from where it stopped, and doubles nothing that was taken without an answer', async () => {
    for (let step = 1; step <= 5; step++) log(step, { loss: step });
    const away = { status: 503, takesEffect: true };
    for (const before of [0, 1, 2, 3, 4]) {
      // after `before` good answers, one that takes effect and is lost
      server.http.faults.push(...Array.from({ length: before }, () => undefined!), away);
      await sendRun(folder, 'mlflow', tracker(), end, noLimit).then(
        () => {},
        (error: Error) => expect(error.message).to.match(/is busy: HTTP 503/),
      );
      server.http.faults.length = 0;
    }
    const { rows, ended } = await sendRun(folder, 'mlflow', tracker(), end, noLimit);
    expect([rows, ended, server.runs.size, steps()]).to.deep.equal([5, true, 1, [1, 2, 3, 4, 5, 5]]);
  });

  it('sends the token of the environment, and leaves it nowhere', async () => {
    process.env.MLFLOW_TRACKING_TOKEN = 'the-secret';
    log(1, { loss: 1 });
    await sendRun(folder, 'mlflow', tracker(), end, noLimit);
    expect(server.http.asked.every(({ headers }) => headers.authorization === 'Bearer the-secret')).to.equal(
      true,
    );
    server.http.faults.push({ status: 401, body: { error_code: 'UNAUTHENTICATED', message: 'no' } });
    rmSync(join(folder, 'export'), { recursive: true });
    const refused = await sendRun(folder, 'mlflow', tracker(), end, noLimit).catch(
      (error: Error) => error.message,
    );
    expect(refused).to.equal('the server refuses experiments/get-by-name: UNAUTHENTICATED: no');
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8', withFileTypes: true }).filter(
      (entry) => entry.isFile(),
    ))
      expect(readFileSync(join(name.parentPath, name.name), 'utf8')).not.to.contain('the-secret');
  });

  const addresses: [uri: string, message: RegExp][] = [
    ['http://me:pass@127.0.0.1:1', /^tracking_uri holds a name or password/],
    ['file:///tmp/mlruns', /^tracking_uri is a file: address/],
    ['not an address', /^tracking_uri is no address/],
  ];
  for (const [uri, message] of addresses) {
    it(`refuses ${uri}`, async () => {
      const refused = await sendRun(
        folder,
        'mlflow',
        new MlflowTracker({ tracking_uri: uri }),
        end,
        noLimit,
      ).catch((error: Error) => error);
      expect(refused).to.be.an('error').with.property('message').that.matches(message);
    });
  }

  describe('while a run goes on', () => {
    const open = (warnings: string[], flush_seconds = 2) =>
      liveExport('mlflow', tracker(), { interval_seconds: 0.02, flush_seconds })(folder, 0, (text) =>
        warnings.push(text),
      );
    const write = (sink: { write(event: never, seconds: number): void }, step: number) => {
      log(step, { loss: step });
      sink.write({} as never, 0);
    };
    const until = async (holds: () => boolean) => {
      for (let i = 0; i < 400 && !holds(); i++) await sleep(5);
      expect(holds()).to.equal(true);
    };

    it('shows its steps before its end, and then all of them', async () => {
      const warnings: string[] = [];
      const sink = open(warnings);
      await until(() => server.runs.size === 1);
      for (const step of [1, 2, 3]) write(sink, step);
      await until(() => run().metrics.size === 2);
      expect(run().status).to.equal('RUNNING');
      await sink.close({ ...end, status: 'interrupted' });
      expect([steps(), run().status, warnings]).to.deep.equal([[1, 2, 3, 3], 'KILLED', []]);
    });

    it('tries again where the server was busy, and warns once', async () => {
      const warnings: string[] = [];
      server.http.faults.push(
        { status: 500 },
        { status: 429, headers: { 'retry-after': '0' } },
        { status: 502 },
      );
      const sink = open(warnings);
      for (const step of [1, 2, 3]) write(sink, step);
      await until(() => server.runs.size === 1 && run().metrics.size > 0);
      await sink.close(end);
      expect(steps()).to.deep.equal([1, 2, 3, 3]);
      expect(warnings).to.have.length(1);
      expect(warnings[0]).to.match(/is busy: HTTP 500; the run goes on, and sending is tried again$/);
    });

    it('leaves all for later where there is no server, at once', async () => {
      const warnings: string[] = [];
      await server.http.stop();
      const started = performance.now();
      const sink = open(warnings);
      for (let step = 1; step <= 2000; step++) write(sink, step);
      await sink.close(end);
      expect(performance.now() - started).to.be.lessThan(1500);
      expect(warnings.at(-1)).to.match(
        /^not all was sent: .* does not answer \(ECONNREFUSED\); \.\/run runs export sends later/,
      );
      server = new FakeMlflow();
      tracking_uri = await server.http.start();
      await sendRun(folder, 'mlflow', tracker(), end, noLimit);
      expect(run().metrics.size).to.equal(2001);
    });

    it('waits no longer than told for a server that never answers', async () => {
      const warnings: string[] = [];
      server.http.faults.push(...Array.from({ length: 9 }, () => ({ silent: true })));
      const started = performance.now();
      const sink = open(warnings, 0.2);
      write(sink, 1);
      await sink.close(end);
      expect(performance.now() - started).to.be.within(150, 1200);
      expect(warnings.at(-1)).to.match(/does not answer \(no answer in time\)/);
    });

    it('stops asking a server that refuses it, and says so', async () => {
      const warnings: string[] = [];
      server.http.faults.push({ status: 403, body: {} });
      const sink = open(warnings);
      for (const step of [1, 2]) write(sink, step);
      await until(() => warnings.length > 0);
      write(sink, 3);
      await sink.close(end);
      expect(server.http.asked).to.have.length(1);
      expect(warnings[0]).to.match(
        /refuses experiments\/get-by-name: HTTP 403; the run goes on, \.\/run runs export/,
      );
      expect(readExportState(folder, 'mlflow')).to.include({ remote: null, rows: 0 });
    });
  });
});

interface StreamBody {
  files: Record<string, { offset: number; content: string[] } | undefined>;
  complete?: boolean;
  exitcode?: number;
}

describe('an export to W&B', () => {
  // What the client 0.30 gets from and gives to its server, recorded; only what stands in that recording is taken.
  const known = [
    'name',
    'project',
    'entity',
    'groupName',
    'displayName',
    'commit',
    'config',
    'host',
    'program',
    'jobType',
    'summaryMetrics',
  ];
  let lines: string[];
  let summary: Record<string, unknown>;
  let done: unknown;
  const names = new Set<string>();
  const answer = ({ method, path, body, headers }: Asked) => {
    if (headers.authorization !== `Basic ${Buffer.from('api:key').toString('base64')}`)
      return { status: 401 };
    const asked = body as { query: string; variables: Record<string, string> };
    if (method === 'POST' && path === '/graphql') {
      const { name, project, ...others } = asked.variables;
      if (
        !/mutation UpsertBucket/.test(asked.query) ||
        Object.keys(others).some((key) => !known.includes(key))
      )
        return { status: 400 };
      names.add(name!);
      const owner = { name: project, entity: { name: 'me' } };
      return {
        body: {
          data: {
            upsertBucket: {
              bucket: { id: 'x', name, displayName: others.displayName, project: owner },
              inserted: true,
            },
          },
        },
      };
    }
    if (!/^\/files\/me\/sluice\/\w+\/file_stream$/.test(path)) return { status: 404 };
    const { files, complete, exitcode } = body as StreamBody;
    const history = files['wandb-history.jsonl'];
    for (const [i, line] of (history?.content ?? []).entries()) lines[history!.offset + i] = line;
    if (files['wandb-summary.json'])
      summary = JSON.parse(files['wandb-summary.json'].content[0]!.replaceAll(':NaN', ':null'));
    if (complete) done = exitcode;
    return { body: {} };
  };
  let server: FakeServer;
  let tracker: WandbTracker;
  beforeEach(async () => {
    [lines, summary, done] = [[], {}, undefined];
    names.clear();
    server = new FakeServer(answer);
    tracker = new WandbTracker({ base_url: await server.start() });
  });
  afterEach(() => server.stop());

  it("gives the server the run, a history line per step, a summary and the end, in the client's own form", async () => {
    process.env.WANDB_API_KEY = 'key';
    log(10, { 'train/loss': 1, odd: 'NaN' });
    log(20, { 'train/loss': 0.5 });
    log(20, { 'validation/loss': 2 });
    await sendRun(folder, 'wandb', tracker, end, noLimit);
    expect(lines).to.deep.equal(
      [
        `{"train/loss":1,"odd":NaN,"_timestamp":${start / 1000 + 10},"_runtime":10,"_step":10}`,
        `{"train/loss":0.5,"validation/loss":2,"_timestamp":${start / 1000 + 20},"_runtime":20,"_step":20}`,
      ].map((line) => line),
    );
    expect(done).to.equal(0);
  });

  it('is one run with each line once, however often it is sent', async () => {
    process.env.WANDB_API_KEY = 'key';
    for (let step = 1; step <= 5; step++) log(step, { loss: step });
    for (const before of [0, 1, 2]) {
      server.faults.push(...Array.from({ length: before }, () => undefined!), {
        status: 500,
        takesEffect: true,
      });
      await sendRun(folder, 'wandb', tracker, end, noLimit).catch(() => {});
      server.faults.length = 0;
    }
    await sendRun(folder, 'wandb', tracker, end, noLimit);
    expect([names.size, lines.length, summary['result/rows'], summary._step]).to.deep.equal([1, 5, 7, 5]);
  });

  const keys: [what: string, key: string | undefined, message: RegExp][] = [
    ['no key', undefined, /^WANDB_API_KEY is not set$/],
    ['a wrong key', 'wrong', /refuses graphql: it does not take WANDB_API_KEY$/],
  ];
  for (const [what, key, message] of keys) {
    it(`says that there is ${what}`, async () => {
      if (key !== undefined) process.env.WANDB_API_KEY = key;
      const refused = await sendRun(folder, 'wandb', tracker, end, noLimit).catch((error: Error) => error);
      expect(refused).to.be.an('error').with.property('message').that.matches(message);
    });
  }
});
