import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { main } from '../../src/cli/main.js';
import { stages } from '../../stages/index.js';
import { commandLineProject } from '../runner/fixtures/command-line.js';
import { Lines } from '../runner/fixtures/lines.js';

// dist/test/cli -> the project
const ownConfigs = fileURLToPath(new URL('../../../configs', import.meta.url));

describe('config-schema', () => {
  let root: string;
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'sluice-schema-'));
  });
  after(() => rmSync(root, { recursive: true }));

  async function run(configs: string, ...words: string[]) {
    const [stdout, stderr] = [new Lines(), new Lines()];
    const project = { ...commandLineProject(root, stdout, stderr), configs, stages };
    const code = await main(['config-schema', ...words], project);
    return { code, out: stdout.text, err: stderr.text };
  }

  it('lists stages, groups and pipelines', async () => {
    const { code, out } = await run(ownConfigs);
    expect(code).to.equal(0);
    expect(out).to.match(
      /^Stages\n.* {2}stage_1_pretrain, stage_1\n.*^Groups\n.* {2}model\n.*^Pipelines\n {2}demo\n/ms,
    );
  });

  const rows: [name: string, title: string][] = [
    ['stage_1', 'stage_1_pretrain'],
    ['stage_1_pretrain', 'stage_1_pretrain'],
    ['model', 'model'],
    ['hydra/launcher', 'hydra-launcher'],
    ['demo', 'pipeline'],
    ['experiment/demo', 'pipeline'],
  ];
  for (const [name, title] of rows) {
    it(`prints one JSON object for ${name}`, async () => {
      const { code, out, err } = await run(ownConfigs, name);
      expect([code, err]).to.deep.equal([0, '']);
      expect(JSON.parse(out).title).to.equal(title);
      expect(out).to.not.contain('.schema.json#');
    });
  }

  const refused: [string[], string][] = [
    [['stage_11'], 'there is no stage, group or pipeline stage_11\n  hint: did you mean stage_1'],
    [['common'], 'there is no stage, group or pipeline common'],
    [['model', 'optimizer'], 'config-schema takes one name, got model optimizer'],
  ];
  for (const [words, message] of refused) {
    it(`refuses \`${words.join(' ')}\``, async () => {
      const { code, out, err } = await run(ownConfigs, ...words);
      expect([code, out]).to.deep.equal([2, '']);
      expect(err).to.contain(`error: ${message}`);
    });
  }

  it('writes the schemas for editors', async () => {
    const configs = join(root, 'copy');
    cpSync(ownConfigs, configs, { recursive: true, filter: (path) => !path.includes('.schemas') });
    const { code, out } = await run(configs, 'write');
    const written = readdirSync(join(configs, '.schemas'));
    expect([code, out]).to.deep.equal([0, `${written.length} files in ${join(configs, '.schemas')}\n`]);
    expect(readFileSync(join(configs, '.schemas/pretrain.json'), 'utf8')).to.contain(
      '"$id": "pretrain.json"',
    );
  });
});
