import { expect } from 'chai';
import { sendRun } from '../../../src/telemetry/export/send-run.js';
import { WandbTracker } from '../../../src/telemetry/export/wandb.js';
import { type Asked, FakeServer } from '../fixtures/fake-server.js';
import { end, LoggingRun, start } from '../fixtures/logging-run.js';

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
  let logged: LoggingRun;
  let server: FakeServer;
  let tracker: WandbTracker;
  beforeEach(async () => {
    logged = new LoggingRun();
    [lines, summary, done] = [[], {}, undefined];
    names.clear();
    server = new FakeServer(answer);
    tracker = new WandbTracker({ base_url: await server.start() });
  });
  afterEach(async () => {
    await server.stop();
    logged.remove();
    delete process.env.WANDB_API_KEY;
  });

  it("gives the server the run, a history line per step, a summary and the end, in the client's own form", async () => {
    process.env.WANDB_API_KEY = 'key';
    logged.log(10, { 'train/loss': 1, odd: 'NaN' });
    logged.log(20, { 'train/loss': 0.5 });
    logged.log(20, { 'validation/loss': 2 });
    await sendRun(logged.folder, 'wandb', tracker, end);
    expect(lines).to.deep.equal(
      [
        `{"train/loss":1,"odd":NaN,"_timestamp":${start / 1000 + 10},"_runtime":10,"_step":10}`,
        `{"train/loss":0.5,"validation/loss":2,"_timestamp":${start / 1000 + 20},"_runtime":20,"_step":20}`,
      ].map((line) => line),
    );
    expect(summary).to.include({
      'train/loss': 0.5,
      odd: null,
      'validation/loss': 2,
      'result/rows': 7,
      _step: 20,
    });
    expect(done).to.equal(0);
  });

  it('shows the last value of each metric before its end too', async () => {
    process.env.WANDB_API_KEY = 'key';
    logged.log(10, { 'train/loss': 1, 'validation/loss': 3 });
    logged.log(20, { 'train/loss': 0.5 });
    logged.log(30, { 'train/loss': 0.25 });
    await sendRun(logged.folder, 'wandb', tracker, null);
    expect(summary).to.include({ 'train/loss': 0.5, 'validation/loss': 3, _step: 20 });
    expect(done).to.equal(undefined);
  });

  it('is one run with each line once, however often it is sent', async () => {
    process.env.WANDB_API_KEY = 'key';
    for (let step = 1; step <= 5; step++) logged.log(step, { loss: step });
    for (const before of [0, 1, 2]) {
      server.faults.push(...Array.from({ length: before }, () => undefined!), {
        status: 500,
        takesEffect: true,
      });
      await sendRun(logged.folder, 'wandb', tracker, end).catch(() => {});
      server.faults.length = 0;
    }
    await sendRun(logged.folder, 'wandb', tracker, end);
    expect([names.size, lines.length, summary['result/rows'], summary._step]).to.deep.equal([1, 5, 7, 5]);
  });

  const keys: [what: string, key: string | undefined, message: RegExp][] = [
    ['no key', undefined, /^WANDB_API_KEY is not set$/],
    ['a wrong key', 'wrong', /refuses graphql: it does not take WANDB_API_KEY$/],
  ];
  for (const [what, key, message] of keys) {
    it(`says that there is ${what}`, async () => {
      if (key !== undefined) process.env.WANDB_API_KEY = key;
      const refused = await sendRun(logged.folder, 'wandb', tracker, end).catch((error: Error) => error);
      expect(refused).to.be.an('error').with.property('message').that.matches(message);
    });
  }
});
