import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { execaNode } from 'execa';
import { withFileLock } from '../../src/runner/file-lock.js';
import { History } from '../../src/runner/history.js';
import { makeRun } from './fixtures/make-run.js';
import { TestProject } from './fixtures/project.js';

const writer = fileURLToPath(new URL('./fixtures/note-runs.js', import.meta.url));

describe('the index of runs', () => {
  let project: TestProject;
  let history: History;
  beforeEach(() => {
    project = new TestProject();
    history = new History(project.root);
  });
  afterEach(() => project.remove());

  it('knows a run while it runs and after it ended', async () => {
    const running = project.run('wait');
    await project.shown.seen('waiting');
    expect(history.list().map(({ id, status }) => [id, status])).to.deep.equal([
      ['wait/2026-01-31/12-00-00', 'running'],
    ]);
    project.interrupt.request();
    await running;
    expect(history.list().map(({ status }) => status)).to.deep.equal(['interrupted']);
  });

  it('gives the latest good run of a stage, not the latest one', async () => {
    const { folder } = await project.run('train');
    const { folder: later } = await project.run('train');
    expect(history.latestGood('train')).to.equal(later);
    const record = JSON.parse(readFileSync(join(later, 'run.json'), 'utf8'));
    writeFileSync(join(later, 'run.json'), JSON.stringify({ ...record, status: 'failed' }));
    expect(history.latestGood('train')).to.equal(folder);
    rmSync(folder, { recursive: true });
    expect(history.latestGood('train')).to.equal(undefined);
    expect(history.latestGood('copy')).to.equal(undefined);
  });

  it('says when a run is known that began in the future: the clock went back, and the latest is not the last', async () => {
    const { folder, record } = await project.run('train');
    const later = { ...record, startedAt: '2999-01-01T00:00:00.000Z' };
    writeFileSync(join(folder, 'run.json'), JSON.stringify(later));
    await history.note(folder, later);
    const { record: next } = await project.run('train');
    expect(project.shown.lines.join('\n')).to.include(
      'warning: a run is known that began at 2999-01-01T00:00:00.000Z, which is still to come',
    );
    expect(next.status).to.equal('done');
    expect(history.latestGood('train')).to.equal(folder);
  });

  it('is made again from the folders when it is missing or damaged', async () => {
    await project.run('train');
    await project.run('refuse');
    const known = history.list();
    expect(known).to.have.length(2);
    expect(known[0]!.outputs).to.deep.equal({ weights: 'weights.txt', model: 'model' });
    const index = join(project.root, 'outputs/registry.json');
    rmSync(index);
    expect(history.list()).to.deep.equal(known);
    expect(await history.reindex()).to.equal(2);
    expect(JSON.parse(readFileSync(index, 'utf8')).runs).to.deep.equal(known);
  });

  const damages: [what: string, damage: (text: string) => string][] = [
    ['empty', () => ''],
    ['cut off', (text) => text.slice(0, text.length / 2)],
    ['cut off within a line', (text) => `${text.slice(0, text.length - 40)}]}\n`],
    ['another thing', () => '[]'],
    ['nothing at all', () => 'null'],
    ['of an earlier version', (text) => JSON.stringify({ runs: JSON.parse(text).runs })],
    ['of the wrong shape', () => '{"version":2,"runs":[\n{"folder":"a","id":7}\n]}\n'],
    ['with a status that there is none of', (text) => text.replace('"failed"', '"fialed"')],
    ['without its runs', () => '{"version":2,"runs":5}\n'],
    ['no text', () => '\u0000\u0001'],
  ];
  for (const [what, damage] of damages) {
    it(`is made again where it is ${what}, by the next run too`, async () => {
      await makeRun(project.root, { id: 'train/1', files: { weights: 'w' }, makes: { weights: 'weights' } });
      await makeRun(project.root, {
        id: 'refuse/1',
        status: 'failed',
        startedAt: '2026-01-31T12:00:01.000Z',
      });
      const known = history.list();
      const index = join(project.root, 'outputs/registry.json');
      writeFileSync(index, damage(readFileSync(index, 'utf8')));
      expect(history.list()).to.deep.equal(known);
      expect(await history.listAndMend()).to.deep.equal(known);
      expect(JSON.parse(readFileSync(index, 'utf8')).runs).to.deep.equal(known);
      writeFileSync(index, damage(readFileSync(index, 'utf8')));
      await makeRun(project.root, { id: 'answer/1', startedAt: '2026-01-31T12:00:02.000Z' });
      expect(history.list().map(({ stage }) => stage)).to.deep.equal(['train', 'refuse', 'answer']);
    });
  }

  it('finds the runs of a project that was moved, and of one whose runs lie elsewhere', async () => {
    await makeRun(project.root, { id: 'train/1' });
    const elsewhere = mkdtempSync(join(tmpdir(), 'sluice-elsewhere-'));
    await makeRun(project.root, {
      id: join(relative(join(project.root, 'outputs'), elsewhere), 'run'),
      stage: 'answer',
    });
    const moved = `${project.root}-moved`;
    renameSync(project.root, moved);
    try {
      const there = new History(moved);
      expect(there.latestGood('train')).to.equal(join(moved, 'outputs/train/1'));
      expect(there.latestGood('answer')).to.equal(join(elsewhere, 'run'));
      expect(await there.reindex()).to.equal(2);
    } finally {
      rmSync(moved, { recursive: true });
      rmSync(elsewhere, { recursive: true });
    }
  });

  it('has no run whose folder somebody deleted', async () => {
    for (const id of ['train/1', 'train/2']) await makeRun(project.root, { id });
    rmSync(join(project.root, 'outputs/train/2'), { recursive: true });
    expect(history.list().map(({ id }) => id)).to.deep.equal(['train/1']);
    expect((await history.listAndMend()).map(({ id }) => id)).to.deep.equal(['train/1']);
  });

  it('that cannot be written costs a warning, not the run', async () => {
    mkdirSync(join(project.root, 'outputs/registry.json'), { recursive: true });
    const { record } = await project.run('train');
    expect(record.status).to.equal('done');
    expect(project.shown.text).to.contain('not noted in the index of runs (./run runs reindex mends it): ');
    expect(history.list().map(({ status }) => status)).to.deep.equal(['done']);
  });

  it('loses nothing when twenty processes write at once, some of them killed', async () => {
    const start = (first: number, count: number) =>
      execaNode(writer, [project.root, String(first), String(count)], { reject: false });
    const ends = Array.from({ length: 20 }, (_, first) => start(first * 3, 3));
    const killed = [start(1000, 1000), start(2000, 1000)];
    for (const child of killed) child.stdout!.once('data', () => setTimeout(() => child.kill('SIGKILL'), 50));
    await Promise.all([...ends, ...killed]);
    const known = history.list();
    const steps = known.map(({ id }) => Number(id.slice(6))).filter((run) => run < 1000);
    expect(steps.sort((a, b) => a - b)).to.deep.equal(Array.from({ length: 60 }, (_, i) => i));
    expect(known.filter(({ id, status }) => id.length < 9 && status !== 'done')).to.deep.equal([]);
  }).timeout(60_000);

  it('takes over the lock of a process that was killed, each of several that wait for it once', async () => {
    const path = join(project.root, 'outputs/registry.json');
    mkdirSync(dirname(path), { recursive: true });
    const holder = execaNode(fileURLToPath(new URL('./fixtures/hold-lock.js', import.meta.url)), [path], {
      reject: false,
    });
    await once(holder.stdout!, 'data');
    holder.kill('SIGKILL');
    let inside = 0;
    let most = 0;
    const turn = async () => {
      most = Math.max(most, ++inside);
      await sleep(2);
      inside--;
    };
    await Promise.all(Array.from({ length: 10 }, () => withFileLock(path, turn)));
    expect(most).to.equal(1);
    expect(existsSync(`${path}.lock`)).to.equal(false);
  });

  it('takes over a lock whose process number went to another process', async () => {
    const path = join(project.root, 'outputs/registry.json');
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.lock`, `${process.pid} ${hostname()} 1`);
    expect(await withFileLock(path, async () => 'done')).to.equal('done');
  });
});
