import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { execaNode } from 'execa';

const cli = fileURLToPath(new URL('../../src/cli.js', import.meta.url));

/** 34 million weights, a little over half a gigabyte in training: large enough that a few megabytes do not matter. */
const medium = [
  'model=llama_small',
  'model.num_hidden_layers=6',
  'vocab_size=16384',
  'batch=2',
  'length=128',
];

describe('the memory of a training step', function () {
  this.timeout(120_000);
  let outputs: string;
  before(() => {
    outputs = mkdtempSync(join(tmpdir(), 'sluice-bench-memory-'));
  });
  after(() => rmSync(outputs, { recursive: true }));

  for (const kind of [
    ['dtype=fp32', 'micro_batches=2'],
    ['dtype=bf16', 'state_dtype=fp32'],
  ]) {
    it(`is what was planned, within 5 %: ${kind}`, async () => {
      const settings = [...medium, ...kind, 'steps=1', `output_dir=${outputs}`];
      const { stdout } = await execaNode(cli, ['bench', ...settings, '--log', 'json']);
      const result = JSON.parse(stdout.trim().split('\n').at(-1)!);
      const used = result.peak_rss_bytes - result.base_rss_bytes;
      expect(used / result.planned_bytes).to.be.within(0.95, 1.05);
    });
  }

  it('begins in a process 40 MB larger than an empty one at most', async () => {
    const empty = await execaNode(fileURLToPath(new URL('fixtures/print-rss.js', import.meta.url)));
    // four ways to cut the step are planned, and nothing of that stays
    const settings = ['model=llama_small', 'vocab_size=512', 'length=16', 'steps=1', `output_dir=${outputs}`];
    const { stdout } = await execaNode(cli, ['bench', ...settings, '--log', 'json']);
    const result = JSON.parse(stdout.trim().split('\n').at(-1)!);
    expect(result.base_rss_bytes - Number(empty.stdout)).to.be.below(40e6);
  });
});
