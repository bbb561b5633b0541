import { expect } from 'chai';
import { makeRun } from '../../runner/fixtures/make-run.js';
import { CommandLineProject } from '../command-line-run.js';

describe('./run runs diff', () => {
  let project: CommandLineProject;
  before(async () => {
    project = new CommandLineProject();
    const { root } = project;
    project.write('data.txt', 'rows');
    const config = { seed: 1, training: { lr: 0.1, phases: [1, 2] }, model: { layers: 2 } };
    await makeRun(root, {
      id: 'train/a',
      config,
      metrics: { 'train/loss': 2 },
      reads: { data: 'data.txt' },
      files: { w: 'a' },
      makes: { weights: 'w' },
      facts: { result: { rows: 3, name: 'x' } },
    });
    await makeRun(root, {
      id: 'train/b',
      config: { seed: 1, training: { lr: 0.2, phases: [1, 3] }, device: 'cpu' },
      versions: { sluice: '0.0.2' },
      metrics: { 'train/loss': 1.5, 'train/mfu': 'NaN' },
      reads: { data: 'data.txt' },
      files: { w: 'b', '.hydra/overrides.yaml': "- training.lr=0.2\n- '++device=cpu'\n" },
      makes: { weights: 'w' },
      status: 'failed',
    });
  });
  after(() => project.remove());

  it('puts side by side what differs in config, versions and files, and all figures', async () => {
    const { out } = await project.run('runs', 'diff', 'train/a', 'train/b');
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) =>
        line
          .replace(/[0-9a-f]{12}/g, 'HASH')
          .trim()
          .replace(/ {2,}/g, ' | '),
      );
    expect(lines.filter((line) => !/^[─| ]*$/.test(line))).to.deep.equal([
      'Runs',
      'A | B',
      'run | train/a | train/b',
      'stage | train | train',
      'status | done | failed',
      'time | 0:10 | 0:10',
      'Config',
      'key | A | B',
      'training.lr | 0.1 | 0.2 (override)',
      'training.phases | [1,2] | [1,3]',
      'model.layers | 2 | –',
      'device | – | "cpu" (override)',
      'Versions',
      'name | A | B',
      'sluice | 0.0.1 | 0.0.2',
      'Inputs',
      'name | A | B',
      'data | HASH | the same',
      'Outputs',
      'name | A | B',
      'weights | HASH | HASH',
      'Metrics, last values',
      'metric | A | B | B − A',
      'train/loss | 2 | 1.5 | -0.5',
      'result.rows | 3 | –',
      'train/mfu | – | NaN',
    ]);
  });

  it('says the same as JSON', async () => {
    const compared = JSON.parse(
      (await project.run('runs', 'diff', 'train/a', 'train/b', '--log', 'json')).out,
    );
    expect(compared.config[0]).to.deep.equal({ key: 'training.lr', a: 0.1, b: 0.2 });
    expect(compared.outputs[0].a).to.have.length(64);
  });

  it('says that two of one config are the same', async () => {
    const { out } = await project.run('runs', 'diff', 'train/a', 'outputs/train/a');
    expect(out).to.contain('\nConfig: the same\n').and.not.contain('Versions');
  });
});
