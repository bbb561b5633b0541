import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { useEngine } from '../numerics/native-run.js';

/** `npm run golden` on folders laid out alike that hold other cases, or what nobody can read. */
describe('the golden runner', () => {
  useEngine();
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-golden-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  /** Writes a file and returns its hash. */
  const write = (name: string, content: unknown) => {
    const file = join(folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(content));
    return createHash('sha256').update(JSON.stringify(content)).digest('hex');
  };
  const main = join(import.meta.dirname, '../../src/golden/main.js');
  const run = (...argv: string[]) => spawnSync(process.execPath, [main, ...argv], { encoding: 'utf8' });

  it('takes the cases that the folder has, whatever their names', () => {
    write('optim_sched/adamw_steps.json', adamW);
    const sha256 = write('optim_sched/schedules.json', schedules({ linear_of_mine: linear }));
    write('manifest.json', { files: { 'optim_sched/schedules.json': { sha256 }, 'README.md': {} } });
    const { stdout, status } = run(folder);
    expect(stdout).to.match(/^ok {3}optim_sched one decayed step +error \S+ {2}tolerance 1e-6$/m);
    expect(stdout).to.match(/^ok {3}optim_sched schedule\.linear_of_mine /m);
    expect(stdout).to.match(/^3 passed, 0 failed$/m);
    expect(status).to.equal(0);
  });

  it('fails where anything is wrong, once for each', () => {
    write('rouge/golden.json', {});
    write(
      'optim_sched/schedules.json',
      schedules({ linear: { ...linear, lr: [0, 1, 0.6, 0] }, greedy: linear }),
    );
    write('manifest.json', { files: { 'optim_sched/schedules.json': { sha256: '0' }, 'dpo/a.json': {} } });
    write('models/mine/config.json', { model_type: 'llama' });
    const { stdout, status } = run(folder);
    const failures = [
      /^FAIL rouge: what this folder records is not implemented$/m,
      /^FAIL optim_sched schedule\.greedy: this schedule is not implemented$/m,
      /^FAIL optim_sched schedule\.linear +error 1\.67e-1 /m,
      /^FAIL manifest\.json files: optim_sched\/schedules\.json is another file; dpo\/a\.json is missing$/m,
      /^FAIL models\/mine: .*golden\.json is missing$/m,
    ];
    for (const line of failures) expect(stdout).to.match(line);
    expect(stdout).to.match(/^1 passed, 5 failed$/m);
    expect(status).to.equal(1);
  });

  const misused: [argv: string[], message: string][] = [
    [['--only', 'llama'], 'begins with "llama": models/mine, optim_sched'],
    [['--device'], '--device needs a value'],
  ];
  for (const [argv, message] of misused) {
    it(`says what is wrong with ${argv.join(' ')}`, () => {
      const { stderr, status } = run(folder, ...argv);
      expect(stderr).to.include(message);
      expect(status).to.equal(2);
    });
  }

  it('says that a folder is no such folder', () => {
    const { stderr, status } = run(join(folder, 'rouge'));
    expect(stderr).to.match(/rouge has none of models, train, lora,/);
    expect(status).to.equal(2);
  });
});

const linear = { args: { num_warmup_steps: 1, num_training_steps: 3 }, lr: [0, 1, 0.5, 0] };
const schedules = (cases: Record<string, unknown>) => ({
  base_lr: 1,
  tolerance_rel: 1e-12,
  schedules: cases,
});

/** One step with a gradient of 1: the weight loses a tenth of itself and steps by the rate. */
const adamW = {
  initial: [2],
  grads: [[1]],
  tolerance_abs_fp32: 1e-6,
  runs: {
    'one decayed step': {
      hyper: { lr: 0.1, betas: [0.9, 0.999], eps: 0, weight_decay: 1 },
      weights_after_step: { fp64: [[2 - 0.2 - 0.1]] },
    },
  },
};
