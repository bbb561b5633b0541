import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { main } from '../../../src/cli/main.js';
import type { Project } from '../../../src/cli/project.js';
import { commandLineProject } from '../../runner/fixtures/command-line.js';
import { Lines } from '../../runner/fixtures/lines.js';
import { makeRun } from '../../runner/fixtures/make-run.js';

describe('what completes a command line', () => {
  let root: string;
  let base: Project;
  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'sluice-completion-'));
    base = commandLineProject(root, new Lines(), new Lines());
    mkdirSync(join(root, 'rows', 'deep'), { recursive: true });
    writeFileSync(join(root, 'rows', 'with space.jsonl'), '');
    writeFileSync(join(root, 'rows', '.hidden'), '');
    await makeRun(root, { id: 'train/2026-01-31/12-00-00', metrics: { 'train/loss': 1 } });
  });
  after(() => rmSync(root, { recursive: true }));

  async function query(line: string, env: Record<string, string> = {}, shell = 'bash'): Promise<string[]> {
    const [stdout, stderr] = [new Lines(), new Lines()];
    const streams = { stdout, stderr: stderr as unknown as NodeJS.WriteStream };
    const project = { ...base, ...streams, env: { COMP_LINE: line, ...env } };
    expect(await main(['-sc', `query=${shell}`], project)).to.equal(0);
    expect(stderr.text).to.equal('');
    return stdout.text === '' ? [] : stdout.text.trimEnd().split('\n');
  }

  const rows: [what: string, line: string, candidates: string[]][] = [
    ['a stage by name or alias', './run sta', ['stage_0', 'stages']],
    ['a pipeline', './run to', ['tour']],
    ['the pipelines after `pipeline`', './run pipeline experiment/t', ['experiment/tour']],
    ['a command of its own', './run config', ['config-schema']],
    ['what `config-schema` prints', './run config-schema tr', ['train']],
    ['a word of `runs`', './run runs re', ['reindex', 'rerun']],
    ['a run, for what takes one', './run runs show lat', ['latest', 'latest:train']],
    ['a second run', './run runs diff latest train/', ['train/2026-01-31/12-00-00']],
    ['no third one', './run runs diff latest latest la', []],
    ['an option behind a word of `runs`', './run runs gc only=f', ['only=failed']],
    ['a file to trace', './run runs trace row', ['rows/']],
    ['a metric to sort by', './run runs sort=train', ['sort=train/loss']],
    ['an option of `runs`', './run runs sta', ['stage=', 'status=']],
    ['the values of an option of `runs`', './run runs status=i', ['status=interrupted']],
    ['keys of a stage', './run train d', ['data=']],
    ['keys of a stage, by its alias', './run stage_0 s', ['seed=']],
    ['keys of a pipeline', './run tour steps.ba', ['steps.base.']],
    ['a flag', './run train --cf', ['--cfg']],
    ['the values of a flag', './run train --cfg ', ['all', 'hydra', 'job']],
    ['the value of a flag behind =', './run train --cfg=h', ['--cfg=hydra']],
    ['a config name', './run train --config-name exp', ['experiment/broken', 'experiment/tour']],
    ['a folder for a flag', './run train -cd ro', ['rows/']],
    ['a part of the config for --package', './run tour -p st', ['steps', 'steps.']],
    [
      'files, with folders marked and no hidden ones',
      './run train data=./rows/',
      ['data=./rows/deep/', 'data=./rows/with\\ space.jsonl'],
    ],
    ['hidden files after a dot', './run train data=./rows/.', ['data=./rows/.hidden']],
    ['within quotes, without escapes', "./run train 'data=./rows/w", ['data=./rows/with space.jsonl']],
    ['after an override that is wrong', './run train nonsense=1 se', ['seed=']],
    ['after a flag that does not exist', './run train --nonsense se', ['seed=']],
    ['nothing for a stage that does not exist', './run nonsense ', []],
  ];
  for (const [what, line, candidates] of rows) {
    it(`offers ${what}: \`${line}\``, async () => {
      expect(await query(line)).to.deep.equal(candidates);
    });
  }

  it('looks no further than the cursor', async () => {
    expect(await query('./run train se other=1', { COMP_POINT: '14' })).to.deep.equal(['seed=']);
  });

  it('gives bash what stands behind its last word break, and other shells the whole word', async () => {
    const env = { COMP_BREAKS: '=:' };
    expect(await query('./run train seed=', env)).to.deep.equal(['7']);
    expect(await query('./run train seed=', env, 'zsh')).to.deep.equal(['seed=7']);
    expect(await query('./run train data=./rows/w', {}, 'fish')).to.deep.equal([
      'data=./rows/with space.jsonl',
    ]);
  });

  it('is silent where the config cannot be composed', async () => {
    writeFileSync(join(root, 'configs', 'train.yaml'), 'defaults: 5\n');
    expect(await query('./run train se')).to.deep.equal([]);
  });
});
