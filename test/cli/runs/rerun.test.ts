import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { readRunRecord, writeRunRecord } from '../../../src/runner/run-record.js';
import { CommandLineProject } from '../command-line-run.js';

describe('./run runs rerun', () => {
  let project: CommandLineProject;
  beforeEach(() => {
    project = new CommandLineProject();
    project.write('rows.txt', 'rows');
  });
  afterEach(() => project.remove());
  const good = async (...argv: string[]) => {
    const { code, out, err } = await project.run(...argv);
    expect(code, out + err).to.equal(0);
    return out;
  };
  const record = (folder: string) => readRunRecord(join(project.root, folder));

  it('gives the same outputs for the same config and inputs, whatever the config files say by now', async () => {
    await good('copy', 'data=rows.txt', 'hydra.run.dir=out');
    project.write('configs/copy.yaml', 'defaults: [base, _self_]\ndata: other.txt\n');
    const told = await good('runs', 'rerun', 'out');
    expect(told).to.match(/^copy +the same +[0-9a-f]{12} +[0-9a-f]{12}$/m);
    expect(told).to.contain('\n1 of 1 outputs are the same, bit for bit\n');
    expect(record('out-2')).to.include({
      command: './run runs rerun out',
      configSha256: record('out').configSha256,
    });
    const { original, again, same } = JSON.parse(await good('runs', 'rerun', 'out', '--log', 'json'));
    expect([original, again, same]).to.deep.equal([
      join(project.root, 'out'),
      join(project.root, 'out-3'),
      true,
    ]);
  });

  it('takes values as they were resolved, and its own folder for the old one', async () => {
    project.env = { WHO: 'then' };
    await good('where', 'data=${oc.env:WHO}-${now:%f}-\\${literal}', 'hydra.run.dir=out');
    project.env = { WHO: 'now' };
    await good('runs', 'rerun', 'out');
    expect(record('out').config.data).to.match(/^then-\d+-\$\{literal\}$/);
    expect(record('out-2').config).to.deep.equal(record('out').config);

    await good('dice', 'data=${hydra:runtime.output_dir}/file', 'hydra.run.dir=own');
    const { out } = await project.run('runs', 'rerun', 'own');
    expect(record('own-2').config.data).to.equal(join(project.root, 'own-2/file'));
    expect(out).to.contain('keys with another value, for its own folder: data\n');
  });

  it('ends with 1 where an output differs, and names the files', async () => {
    await good('dice', 'hydra.run.dir=out');
    const changed = record('out');
    writeRunRecord(join(project.root, 'out'), {
      ...changed,
      versions: { ...changed.versions, sluice: '0.0.0' },
    });
    const { code, out } = await project.run('runs', 'rerun', 'out');
    expect(code).to.equal(1);
    expect(out).to.match(/^thrown +DIFFERENT +[0-9a-f]{12} +[0-9a-f]{12} +number$/m);
    expect(out).to.contain(
      '\n0 of 1 outputs are the same, bit for bit\n\nversions that differ: sluice (0.0.0, now 0.0.1)\n',
    );
  });

  it('refuses other inputs before it starts, unless told to take them', async () => {
    await good('copy', 'data=rows.txt', 'hydra.run.dir=out');
    project.write('rows.txt', 'other');
    const refused = await project.run('runs', 'rerun', 'out');
    expect(refused.code).to.equal(1);
    expect(refused.err).to.match(
      /^error: .*\/out read other inputs: data was [0-9a-f]{12}, is [0-9a-f]{12} now \(rows.txt\)\n {2}hint: allow_changed=true/,
    );
    expect(existsSync(join(project.root, 'out-2'))).to.equal(false);
    const { code, err, out } = await project.run('runs', 'rerun', 'out', 'allow_changed=true');
    expect(code).to.equal(1);
    expect(err).to.contain('warning: ');
    expect(out).to.contain('DIFFERENT');
    rmSync(join(project.root, 'rows.txt'));
    project.write('rows.txt', 'rows'); // as it was: good again
    await good('runs', 'rerun', 'out');
  });

  it('tells of a run that cannot be run again', async () => {
    await good('tour', 'hydra.run.dir=whole');
    await project.run('refuse', 'hydra.run.dir=bad');
    await good('where', 'hydra.run.dir=old');
    const old = record('old');
    writeFileSync(join(project.root, 'old/run.json'), JSON.stringify({ ...old, config: undefined }));
    const rows: [words: string[], message: RegExp][] = [
      [['whole'], /is a run of a pipeline/],
      [['bad'], /is failed: there is nothing to compare with\n {2}hint: to run it again: \.\/run refuse/],
      [['old'], /does not hold its exact config/],
      [['nothing'], /no run is called nothing/],
      [['old', 'force=true'], /there is no option force/],
      [['old', 'allow_changed=maybe'], /true or false is expected|does not hold/],
    ];
    for (const [words, message] of rows) {
      const { code, out, err } = await project.run('runs', 'rerun', ...words);
      expect([code, out], words.join(' ')).to.deep.equal([2, '']);
      expect(err).to.match(message);
    }
    expect(readFileSync(join(project.root, 'bad/run.json'), 'utf8')).to.contain('failed');
  });
});
