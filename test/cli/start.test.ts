import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { execaNode } from 'execa';
import { bundleQuick } from '../../src/cli/quick-bundle.js';

// dist/test/cli/ -> dist/
const dist = fileURLToPath(new URL('../../../dist/', import.meta.url));

const bytecode = () => readdirSync(dist).filter((name) => name.endsWith('.bytecode'));

async function run(file: string, words: string[]) {
  const { exitCode, stdout, stderr } = await execaNode(join(dist, 'src', file), words, { reject: false });
  return { exitCode, stdout, stderr };
}

describe('the start of the program', () => {
  before(async () => {
    await bundleQuick(dist);
    for (const name of bytecode()) rmSync(join(dist, name));
  });

  for (const line of [
    'stage_1 --cfg job',
    'stage_1 -c job training.learning_rate=1 -p training',
    'pretrain --cfg=hydra --resolve',
    'pretrain --cfg job --origin model=olmoe_tiny',
    'stage_3_finetune --cfg job --resolve',
    'demo --cfg job',
    'pretrain --help',
    'stage_1 --info defaults-tree',
    '--hydra-help',
    'pretrain --cfg job no_such_key=1',
    'pretrain --cfg everything',
    'stage_1 -m --cfg job seed=1,2',
  ]) {
    it(`says the same in one file as in many: ${line}`, async () => {
      const times = /\d{4}-\d\d-\d\d\/\d\d-\d\d-\d\d/g;
      const [quick, ordinary] = await Promise.all(
        ['start.cjs', 'cli.js'].map(async (file) =>
          JSON.stringify(await run(file, line.split(' ')), null, 1).replace(times, '<time>'),
        ),
      );
      expect(quick).to.equal(ordinary);
      expect(quick).not.to.include('quick.cjs');
    });
  }

  it('leaves the bytecode of the first printed config for the next', async () => {
    expect(bytecode()).to.have.length(1);
    const { stdout } = await run('start.cjs', ['stage_1', '--cfg', 'job']);
    expect(stdout).to.match(/^seed: 42\n/);
    expect(bytecode()).to.have.length(1);
  });

  it('works with a bytecode of another version, and without the one file', async () => {
    const [name] = bytecode();
    writeFileSync(join(dist, name!), 'not bytecode');
    const words = ['stage_1', '--cfg', 'job', '-p', 'seed'];
    const first = await run('start.cjs', words);
    rmSync(join(dist, 'quick.cjs'));
    const second = await run('start.cjs', words);
    await bundleQuick(dist);
    expect([first, second]).to.deep.equal(
      Array(2).fill({ exitCode: 0, stdout: '# @package seed\n42', stderr: '' }),
    );
  });
});
