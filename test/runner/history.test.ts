import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { execa, execaNode } from 'execa';
import { withFileLock } from '../../src/runner/file-lock.js';
import { History } from '../../src/runner/history.js';
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

  it('is made again from the folders when it is missing or damaged', async () => {
    await project.run('train');
    await project.run('refuse');
    const known = history.list();
    expect(known).to.have.length(2);
    expect(known[0]!.outputs).to.deep.equal({ weights: 'weights.txt', model: 'model' });
    const index = join(project.root, 'outputs/registry.json');
    writeFileSync(index, '{"runs": [');
    expect(history.list()).to.deep.equal(known);
    rmSync(index);
    expect(await history.reindex()).to.equal(2);
    expect(JSON.parse(readFileSync(index, 'utf8')).runs).to.deep.equal(known);
  });

  it('loses nothing when several processes write at once', async () => {
    const writers = [0, 1, 2].map((first) => execaNode(writer, [project.root, String(first * 10), '10']));
    await Promise.all(writers);
    const steps = history.list().map(({ id }) => Number(id));
    expect(steps.sort((a, b) => a - b)).to.deep.equal(Array.from({ length: 30 }, (_, i) => i));
  });

  it('takes over the lock of a process that died', async () => {
    const path = join(project.root, 'outputs/registry.json');
    mkdirSync(dirname(path), { recursive: true });
    const died = execa(process.execPath, ['-e', '']);
    await died;
    writeFileSync(`${path}.lock`, `${died.pid} ${hostname()}`);
    expect(await withFileLock(path, async () => 'done')).to.equal('done');
  });
});
