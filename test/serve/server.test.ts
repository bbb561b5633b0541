import { appendFileSync } from 'node:fs';
import { mkdir, rm, symlink } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { SluiceError } from '../../src/errors.js';
import { type Serving, serveRuns } from '../../src/serve/index.js';
import {
  jsonl,
  removeTemporaryFolders,
  runFolder,
  temporaryFolder,
  trainingMetrics,
  writeFiles,
} from '../report/fixture/run-folders.js';
import { sweepFolder } from '../report/fixture/sweep.js';
import { firstFlaw } from '../report/fixture/well-formed.js';
import { listen } from './fixture/events.js';

const HOSTILE = '</script><script>alert("x")</script><img src=x onerror=alert(1)>\'"&';

describe('serving runs', () => {
  let root: string;
  let outputs: string;
  let serving: Serving;

  before(async () => {
    root = await temporaryFolder();
    outputs = join(root, 'outputs');
    await runFolder(
      join(outputs, 'pretrain/2026-01-31/12-00-00'),
      { stage: 'pretrain' },
      {
        'metrics.jsonl': trainingMetrics(50, 8, 4),
        '.hydra/overrides.yaml': '- seed=7\n',
        'notes.html': '<script>alert(1)</script>',
        'empty.txt': '',
        'weights.bin': 'bytes',
      },
    );
    await sweepFolder(join(outputs, 'multirun/2026-01-31/13-00-00'), [
      { overrides: ['a=1'], loss: 2 },
      { overrides: ['a=2'], loss: 1 },
    ]);
    await runFolder(join(outputs, 'demo/2026-01-31/14-00-00'), {
      stage: 'demo',
      startedAt: '2026-01-31T14:00:00.000Z',
      steps: [
        { name: 'first', stage: 'pretrain', status: 'done', folder: '../../../pretrain/2026-01-31/12-00-00' },
      ],
    });
    await writeFiles(root, { 'secret.txt': 'not for reading' });
    await symlink(join(root, 'secret.txt'), join(outputs, 'link.txt'));
    await symlink(root, join(outputs, 'above'));
    serving = await serveRuns(outputs, 0);
  });

  after(async () => {
    await serving.close();
    removeTemporaryFolders();
  });

  it('lists runs on one well-formed page, steps under their pipeline and jobs under their sweep', async () => {
    const { status, body } = await get('/');
    expect(status).to.equal(200);
    expect(firstFlaw(body)).to.equal(null);
    const bodies = [...body.matchAll(/<tbody data-path="([^"]*)" data-kind="([^"]*)"[\s\S]*?<\/tbody>/g)];
    expect(bodies.map(([, path, kind]) => [path, kind])).to.deep.equal([
      ['demo/2026-01-31/14-00-00', 'pipeline'],
      ['multirun/2026-01-31/13-00-00', 'sweep'],
    ]);
    expect(bodies[1]![0].match(/class="member"/g)).to.have.length(2);
    expect(bodies[0]![0]).to.include('pretrain/2026-01-31/12-00-00').and.include('seed=7');
  });

  it('makes the report of a run, a pipeline and a sweep anew, and writes none', async () => {
    for (const path of [
      'pretrain/2026-01-31/12-00-00',
      'demo/2026-01-31/14-00-00',
      'multirun/2026-01-31/13-00-00',
    ]) {
      const { status, body } = await get(`/outputs/${path}/report.html`);
      expect(status).to.equal(200);
      expect(firstFlaw(body)).to.equal(null);
      expect(body).to.include(`data-path="${path}"`);
      expect(await get(`/outputs/${path}/`).then((answer) => answer.body)).to.not.include('>report.html<');
    }
  });

  it('gives files of a run as text or as a download, never as a page of its own', async () => {
    const html = await get('/outputs/pretrain/2026-01-31/12-00-00/notes.html');
    expect(html.headers['content-type']).to.equal('text/plain; charset=utf-8');
    expect(html.headers['content-security-policy']).to.include('sandbox');
    expect(html.headers['x-content-type-options']).to.equal('nosniff');
    const weights = await get('/outputs/pretrain/2026-01-31/12-00-00/weights.bin');
    expect(weights.headers['content-disposition']).to.match(/^attachment/);
    expect(weights.body).to.equal('bytes');
    expect((await get('/outputs/pretrain/2026-01-31/12-00-00/empty.txt')).body).to.equal('');
  });

  const tricks: [string, string][] = [
    ['a parent folder', '/outputs/../secret.txt'],
    ['an encoded parent folder', '/outputs/%2e%2e/secret.txt'],
    ['an encoded slash', '/outputs/..%2fsecret.txt'],
    ['a backslash', '/outputs/..%5csecret.txt'],
    ['an absolute path', '/outputs//etc/passwd'],
    ['a NUL', '/outputs/pretrain%00/secret.txt'],
    ['a broken escape', '/outputs/%zz'],
    ['a link out of the folder', '/outputs/link.txt'],
    ['a linked folder', '/outputs/above/secret.txt'],
    ['a report through a linked folder', '/outputs/above/report.html'],
    ['a report above', '/outputs/../report.html'],
    ['a file beside outputs', '/outputs2/secret.txt'],
    ['the events of a folder above', '/events?of=..'],
  ];
  for (const [name, path] of tricks) {
    it(`does not follow ${name}`, async () => {
      const { status, body } = await get(path);
      expect(status).to.equal(404);
      expect(body).to.not.include('not for reading').and.not.include('root:');
    });
  }

  const hosts: [string, number][] = [
    ['evil.example', 403],
    ['evil.example:80', 403],
    ['127.0.0.1.evil.example', 403],
    ['localhost.evil.example', 403],
    ['localhost:9999', 200],
    ['[::1]:1', 200],
    ['LOCALHOST', 200],
  ];
  for (const [host, expected] of hosts) {
    it(`answers ${expected} to the host ${JSON.stringify(host)}`, async () => {
      for (const path of ['/', '/outputs/']) expect((await get(path, { host })).status).to.equal(expected);
    });
  }

  it('changes nothing: other methods are refused', async () => {
    for (const method of ['POST', 'PUT', 'DELETE']) expect((await get('/', {}, method)).status).to.equal(405);
    expect((await get('/', {}, 'HEAD')).body).to.equal('');
  });

  it('escapes whatever a run says', async () => {
    const folder = join(outputs, 'hostile/2026-01-31/15-00-00');
    await runFolder(
      folder,
      {
        stage: HOSTILE,
        status: HOSTILE,
        startedAt: HOSTILE,
        error: { message: HOSTILE },
        facts: { result: { [HOSTILE]: 1 } },
      },
      {
        '.hydra/overrides.yaml': `- a=${HOSTILE}\n`,
        'metrics.jsonl': jsonl([
          { step: 1, [HOSTILE]: 1 },
          { step: 2, [HOSTILE]: 2 },
        ]),
      },
    );
    await writeFiles(join(outputs, 'hostile'), { [HOSTILE.replaceAll('/', '|')]: '' });
    for (const path of ['/', '/outputs/hostile/']) {
      const { body } = await get(path);
      expect(firstFlaw(body)).to.equal(null);
      expect(body).to.not.include('<img').and.not.include('alert("x")');
    }
    await rm(join(outputs, 'hostile'), { recursive: true });
  });

  it('tells listeners of runs that start, go on, end and go', async () => {
    const events = await listen(`${serving.url}events`);
    const folder = join(outputs, 'stage_1/2026-01-31/16-00-00');
    const record = {
      stage: 'stage_1',
      pid: process.pid,
      host: hostname(),
      endedAt: null,
      durationSeconds: null,
    };
    await runFolder(
      folder,
      { ...record, status: 'running' },
      { 'progress.json': { phase: 'train', step: 3, totalSteps: 10, etaSeconds: 5 } },
    );
    // run.json may be seen before progress.json
    const started = await events.next('groups', 'train 3 of 10');
    expect(started).to.match(/stage_1\/2026-01-31\/16-00-00.*running.*train 3 of 10.*5\.0 s left/s);
    await runFolder(folder, { ...record, status: 'done' });
    await events.next('groups', 'status-done');
    await rm(join(outputs, 'stage_1'), { recursive: true });
    await events.next('groups', '"html":null');
    events.close();
  }).timeout(10_000);

  it('sends a report its new metrics, and no known ones', async () => {
    const folder = join(outputs, 'long/2026-01-31/17-00-00');
    const known = jsonl([{ step: 1, 'train/loss': 3 }]);
    const running = { status: 'running', pid: process.pid, host: hostname() };
    await runFolder(folder, running, { 'metrics.jsonl': known });
    const page = await get('/outputs/long/2026-01-31/17-00-00/report.html');
    const from = /data-from="(\d+)"/.exec(page.body)![1]!;
    expect(from).to.equal(String(known.length));
    const events = await listen(`${serving.url}events?of=long/2026-01-31/17-00-00&from=${from}`);
    appendFileSync(
      join(folder, 'metrics.jsonl'),
      `${jsonl([{ step: 2, 'train/loss': 2.5, 'train/bad': 'NaN' }])}{"step":3,"tr`,
    );
    expect(JSON.parse(await events.next('metrics'))).to.deep.equal([
      { step: 2, values: { 'train/loss': 2.5, 'train/bad': null } },
    ]);
    appendFileSync(join(folder, 'metrics.jsonl'), 'ain/loss":2}\n');
    expect(JSON.parse(await events.next('metrics'))).to.deep.equal([
      { step: 3, values: { 'train/loss': 2 } },
    ]);
    await runFolder(folder, { status: 'done' });
    expect(await events.next('changed')).to.equal('null');
    events.close();
    await rm(join(outputs, 'long'), { recursive: true });
  }).timeout(10_000);

  it('tells a report of what changed since it was made, though nobody listened then', async () => {
    const path = 'late/2026-01-31/19-00-00';
    const running = { status: 'running', pid: process.pid, host: hostname() };
    await runFolder(join(outputs, path), running);
    const { body } = await get(`/outputs/${path}/report.html`);
    const state = /data-state="(\w+)"/.exec(body)![1]!;
    const quiet = await listen(`${serving.url}events?of=${path}&from=0&state=${state}`);
    await runFolder(join(outputs, path), { status: 'done' });
    expect(await quiet.next('changed')).to.equal('null');
    const late = await listen(`${serving.url}events?of=${path}&from=0&state=${state}`);
    expect(await late.next('changed')).to.equal('null');
    quiet.close();
    late.close();
    await rm(join(outputs, 'late'), { recursive: true });
  }).timeout(10_000);

  it('tells the report of a sweep that a running job went on, and of one that ended that it changed', async () => {
    const path = 'multirun/2026-01-31/22-00-00';
    const running = { status: 'running', pid: process.pid, host: hostname() };
    await sweepFolder(join(outputs, path), []);
    const job = join(outputs, path, '0');
    await runFolder(job, running, { 'metrics.jsonl': jsonl([{ step: 1, 'train/loss': 3 }]) });
    const { body } = await get(`/outputs/${path}/report.html`);
    const state = /data-state="(\w+)"/.exec(body)![1]!;
    const events = await listen(`${serving.url}events?of=${path}&from=0&state=${state}`);
    await new Promise((next) => setTimeout(next, 1500)); // it has looked once
    appendFileSync(join(job, 'metrics.jsonl'), jsonl([{ step: 2, 'train/loss': 2.5 }]));
    expect(await events.next('grew')).to.equal('null');
    await runFolder(job, { status: 'done' });
    expect(await events.next('changed')).to.equal('null');
    events.close();
    await rm(join(outputs, path), { recursive: true });
  }).timeout(10_000);

  it('names of a sweep what was swept, of its jobs their own values, and the lowest loss where nothing else is asked', async () => {
    const path = 'multirun/2026-01-31/20-00-00';
    const jobs = [2.5, 1.5].map((loss, num) => ({ overrides: ['a=1', `b.c=${num}`], loss }));
    const manifest = jobs.map(({ overrides }, num) => ({
      num,
      overrides,
      status: 'done',
      folder: String(num),
    }));
    await sweepFolder(join(outputs, path), jobs, {
      'sweep.json': { stage: 'x', status: 'done', objective: null, swept: ['b.c'], jobs: manifest },
    });
    const row = (body: string) => new RegExp(`<tbody data-path="${path}"[\\s\\S]*?</tbody>`).exec(body)![0];
    await get('/');
    let own = row((await get('/')).body);
    for (let wait = 0; wait < 40 && !own.includes('lowest'); wait++) {
      await new Promise((next) => setTimeout(next, 50)); // curves of finished runs are read by and by
      own = row((await get('/')).body);
    }
    expect(own)
      .to.include('<span class="overrides">b.c</span>')
      .and.include('<span class="overrides">b.c=1</span>');
    expect(own).to.include('<b>1.5</b><span>lowest validation/loss</span>');
    await rm(join(outputs, path), { recursive: true });
  });

  it('of a running pipeline says how many steps are over, and which runs', async () => {
    const steps = ['done', 'skipped', 'running', 'waiting'].map((status, index) => {
      return { name: `s${index}`, stage: 'x', status, folder: null };
    });
    const path = 'half/2026-01-31/21-00-00';
    await runFolder(join(outputs, path), { status: 'running', pid: process.pid, host: hostname(), steps });
    const { body } = await get('/');
    expect(body).to.match(
      /pipeline of 4 steps[\s\S]*?width:50\.0%[\s\S]*?<span class="progress-text">2 of 4: s2</,
    );
    await rm(join(outputs, 'half'), { recursive: true });
  });

  it('shows what says that it runs, and whose process is gone, as lost: in the list and in its report', async () => {
    // No process has this number: it is above the largest that Linux gives.
    const gone = { status: 'running', pid: 2 ** 22 + 1, processStart: '1', host: hostname() };
    await runFolder(join(outputs, 'killed/2026-01-31/18-00-00'), { ...gone, endedAt: null });
    const job = { overrides: ['a=1'], status: 'running', folder: '0', objective: null };
    await sweepFolder(
      join(outputs, 'multirun/2026-01-31/18-00-00'),
      [{ overrides: ['a=1'], loss: null, record: gone }],
      {
        'sweep.json': {
          ...gone,
          stage: 'killed',
          startedAt: '2026-01-31T18:00:00.000Z',
          jobs: [{ num: 0, ...job }],
        },
      },
    );
    const list = (await get('/')).body;
    for (const path of ['killed/2026-01-31/18-00-00', 'multirun/2026-01-31/18-00-00']) {
      expect(list).to.match(new RegExp(`data-path="${path}"[^>]*data-status="lost"`));
      const { body } = await get(`/outputs/${path}/report.html`);
      expect(body).to.include('<span class="status status-lost">lost</span>').and.include('is gone');
      await rm(join(outputs, path), { recursive: true });
    }
  });

  it('without a port takes the next free one, with one says that it is taken', async () => {
    const error = await serveRuns(outputs, serving.port).then(
      (second) => second.close(),
      (cause: unknown) => cause,
    );
    expect(error).to.be.instanceOf(SluiceError);
    expect((error as SluiceError).code).to.equal('serve.port');
    expect((error as SluiceError).where).to.equal(`port=${serving.port}`);
    const [first, second] = [await serveRuns(outputs, null), await serveRuns(outputs, null)];
    expect(second.port).to.be.greaterThan(first.port);
    await Promise.all([first.close(), second.close()]);
  });

  it('listens to this machine alone', async () => {
    const other = createServer();
    // Where 127.0.0.1 alone is taken, the same port of another loopback address is free.
    await new Promise<void>((resolve, reject) =>
      other.once('error', reject).listen(serving.port, '127.0.0.2', resolve),
    );
    await new Promise((resolve) => other.close(resolve));
  });

  it('of a folder without runs says how to make some, also where there is no folder', async () => {
    const empty = await temporaryFolder();
    await mkdir(join(empty, 'outputs'));
    for (const folder of [join(empty, 'outputs'), join(empty, 'none')]) {
      const other = await serveRuns(folder, 0);
      const { body } = await get('/', {}, 'GET', other);
      expect(body).to.match(/<p class="empty">No runs yet/);
      await other.close();
    }
  });

  function get(path: string, headers: Record<string, string> = {}, method = 'GET', of = serving) {
    return new Promise<{ status: number; headers: Record<string, unknown>; body: string }>(
      (resolve, reject) => {
        request({ host: '127.0.0.1', port: of.port, path, method, headers }, (response) => {
          let body = '';
          response.setEncoding('utf8').on('data', (text: string) => (body += text));
          response.on('end', () =>
            resolve({ status: response.statusCode!, headers: response.headers, body }),
          );
        })
          .on('error', reject)
          .end();
      },
    );
  }
});
