import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { readRunRecord } from '../../src/runner/run-record.js';
import { CommandLineProject } from './command-line-run.js';

describe('--experimental-rerun', () => {
  let project: CommandLineProject;
  beforeEach(() => {
    project = new CommandLineProject();
  });
  afterEach(() => project.remove());
  const read = (...path: string[]) => readFileSync(join(project.root, ...path), 'utf8');
  const good = async (...argv: string[]) => {
    const { code, err } = await project.run(...argv);
    expect(code, err).to.equal(0);
    return err;
  };

  it('runs the saved config in a new folder, whatever the config files say by now', async () => {
    await good('where', 'seed=3', 'data=a', 'hydra.run.dir=out');
    project.write('configs/where.yaml', 'defaults: [base, _self_]\ndata: changed\n');
    for (const from of ['out', 'out/.hydra', 'out/.hydra/config.yaml'])
      await good('--experimental-rerun', from);
    for (const folder of ['out-2', 'out-3', 'out-4']) {
      for (const file of ['config.yaml', 'overrides.yaml'])
        expect(read(folder, '.hydra', file)).to.equal(read('out/.hydra', file));
      expect(read(folder, '.hydra/hydra.yaml')).to.equal(
        read('out/.hydra/hydra.yaml').replace(/output_dir: .*/, `output_dir: ${join(project.root, folder)}`),
      );
    }
    const record = readRunRecord(join(project.root, 'out-2'));
    expect(record).to.include({ stage: 'where', seed: 3, command: './run --experimental-rerun out' });
    expect(record.facts.result).to.include({ data: join(project.root, 'a') });
  });

  it('means by ${run:…} the runs that were there then, and tells of an input that changed', async () => {
    await good('train', 'hydra.run.dir=outputs/train/d/1');
    await good('copy', 'data=${run:train,weights}', 'hydra.run.dir=out');
    await good('train', 'hydra.run.dir=outputs/train/d/2');
    await good('copy', '--exp', 'out');
    const inputOf = (folder: string) => readRunRecord(join(project.root, folder)).inputs[0]!;
    expect(inputOf('out-2')).to.deep.equal(inputOf('out')).and.have.property('path').that.contains('d/1');
    writeFileSync(join(project.root, 'outputs/train/d/1/weights.txt'), 'other');
    expect(await good('--exp', 'out'))
      .to.contain('warning: the input data is not what ')
      .and.contain(' had read\n');
  });

  it('runs a job of a sweep again by itself', async () => {
    await good('where', '-m', 'seed=1,2', 'hydra.sweep.dir=sweep', 'hydra.run.dir=out');
    await good('--exp', 'sweep/1', '--log', 'plain');
    const again = readRunRecord(join(project.root, 'out'));
    expect(again.seed).to.equal(2);
  });

  it('needs saved files, and no word besides', async () => {
    await good('where', 'hydra.run.dir=bare', 'hydra.output_subdir=null');
    await good('where', 'hydra.run.dir=out');
    await good('tour', 'hydra.run.dir=whole');
    const refused: [string, RegExp][] = [
      ['--experimental-rerun nowhere', /^error: there is no such run folder\n {2}at: +.*nowhere\n$/],
      ['--experimental-rerun bare', /^error: this folder has no saved config: no hydra\.yaml/],
      ['--experimental-rerun out seed=3', /^error: .* cannot take seed=3\n {2}hint: for a run with changes/],
      ['where --experimental-rerun out seed=3', /cannot take seed=3/],
      ['--experimental-rerun out -cn x', /cannot take --config-name/],
      ['--experimental-rerun out -m', /got --multirun and --experimental-rerun/],
      ['train --experimental-rerun out', /is a run of where, not of train/],
      [
        '--experimental-rerun whole',
        /is a run of a pipeline.*\n {2}hint: run the pipeline again by \.\/run tour/,
      ],
      ['--experimental-rerun', /--experimental-rerun needs a value/],
    ];
    for (const [argv, message] of refused) {
      const { code, out, err } = await project.run(...argv.split(' '));
      expect([code, out], argv).to.deep.equal([2, '']);
      expect(err).to.match(message);
    }
    expect(existsSync(join(project.root, 'out-2'))).to.equal(false);
  });
});
