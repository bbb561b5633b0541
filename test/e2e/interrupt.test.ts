import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { execaNode } from 'execa';
import { History } from '../../src/runner/history.js';
import { isAlive } from '../../src/runner/process-identity.js';
import { readRunRecord } from '../../src/runner/run-record.js';
import { readSweepManifest } from '../../src/runner/sweep-manifest.js';
import { stageProcess } from './kill-at.js';

const entry = fileURLToPath(new URL('./fixtures/test-command-line.js', import.meta.url));

describe('a run in a process of its own', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'sluice-e2e-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  async function start(stage: string, until: string, env: Record<string, string> = {}) {
    const running = execaNode(entry, [root, stage], { reject: false, env });
    await new Promise<void>((resolve) => {
      let shown = '';
      running.stderr.on('data', (chunk) => (shown += chunk).includes(until) && resolve());
    });
    const folder = join(root, 'outputs', new History(root).list()[0]!.id);
    return { running, folder };
  }

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`writes a checkpoint and exits 130 on ${signal}`, async () => {
      const { running, folder } = await start('wait', 'waiting');
      running.kill(signal);
      expect((await running).exitCode).to.equal(130);
      expect(existsSync(join(folder, 'checkpoint'))).to.equal(true);
      expect(readRunRecord(folder)).to.include({ status: 'interrupted', exitCode: 130 });
    });
  }

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`writes a checkpoint and exits 130 on ${signal} to the stage's own process`, async () => {
      const { running, folder } = await start('wait', 'waiting');
      process.kill((await stageProcess(running.pid!))!, signal);
      expect((await running).exitCode).to.equal(130);
      expect(readRunRecord(folder)).to.include({ status: 'interrupted', exitCode: 130 });
    });
  }

  for (const whose of ['of the command', "of the stage's own process", 'of both'] as const) {
    it(`writes one checkpoint and goes on at SIGUSR1 ${whose}`, async () => {
      const { running, folder } = await start('long', 'waiting');
      if (whose !== "of the stage's own process") running.kill('SIGUSR1');
      if (whose !== 'of the command') process.kill((await stageProcess(running.pid!))!, 'SIGUSR1');
      const { exitCode, stderr } = await running;
      expect(exitCode, stderr).to.equal(0);
      expect(readRunRecord(folder).facts.checkpoints).to.equal(1);
    });
  }

  it('goes on at a hang-up under nohup, of which ./run tells', async () => {
    const { running, folder } = await start('long', 'waiting', { SLUICE_NOHUP: '1' });
    running.kill('SIGHUP');
    process.kill((await stageProcess(running.pid!))!, 'SIGHUP');
    await sleep(20);
    running.kill('SIGUSR1');
    expect((await running).exitCode).to.equal(0);
    expect(readRunRecord(folder).status).to.equal('done');
  });

  it('goes on when nobody reads what it prints any more', async () => {
    const { running, folder } = await start('long', 'waiting');
    running.stdout.destroy();
    running.stderr.destroy();
    running.kill('SIGUSR1');
    const { exitCode } = await running;
    expect(exitCode).to.equal(0);
    expect(readRunRecord(folder).status).to.equal('done');
  });

  it('leaves a sweep that --resume-sweep goes on with when all of it is killed', async () => {
    for (const seed of [1, 2]) writeFileSync(join(root, `open-${seed}`), '');
    const words = ['gate', '-m', 'seed=1,2,3,4', 'hydra.sweep.dir=outputs/swept', 'hydra/launcher=local'];
    const running = execaNode(entry, [root, ...words, 'hydra.launcher.n_jobs=2'], { reject: false });
    let shown = '';
    await new Promise<void>((resolve) => {
      running.stderr.on('data', (chunk) => {
        shown += chunk;
        if (shown.includes('[#2 seed=3] waiting') && shown.includes('[#3 seed=4] waiting')) resolve();
      });
    });
    running.kill('SIGKILL');
    await running;
    const sweep = join(root, 'outputs/swept');
    expect(readSweepManifest(sweep).jobs.map(({ status }) => status)).to.deep.equal([
      ...['done', 'done', 'running', 'running'],
    ]);
    for (const seed of [3, 4]) writeFileSync(join(root, `open-${seed}`), '');
    expect((await execaNode(entry, [root, '--resume-sweep'])).exitCode).to.equal(0);
    expect(readSweepManifest(sweep).jobs.map(({ status, folder }) => [status, folder])).to.deep.equal([
      ['done', '0'],
      ['done', '1'],
      ['done', '2-2'],
      ['done', '3-2'],
    ]);
  });

  it('ends at once at the second Ctrl-C', async () => {
    const { running, folder } = await start('stubborn', 'deaf');
    running.kill('SIGINT');
    await sleep(50);
    running.kill('SIGINT');
    expect((await running).exitCode).to.equal(130);
    expect(readRunRecord(folder).status).to.equal('interrupted');
  });

  it('saves its work when the watcher is killed, and leaves no process behind', async () => {
    const { running, folder } = await start('wait', 'waiting');
    running.kill('SIGKILL');
    await running;
    for (let wait = 0; wait < 200 && !existsSync(join(folder, 'checkpoint')); wait++) await sleep(10);
    expect(existsSync(join(folder, 'checkpoint'))).to.equal(true);
    const record = readRunRecord(folder);
    expect(record.status).to.equal('running');
    expect(isAlive(record.pid)).to.equal(false);
  });
});
