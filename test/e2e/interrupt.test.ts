import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { execaNode } from 'execa';
import { History } from '../../src/runner/history.js';
import { isAlive } from '../../src/runner/process-identity.js';
import { readRunRecord } from '../../src/runner/run-record.js';

const entry = fileURLToPath(new URL('./fixtures/test-command-line.js', import.meta.url));

describe('a run in a process of its own', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'sluice-e2e-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  async function start(stage: string, until: string) {
    const running = execaNode(entry, [root, stage], { reject: false });
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
