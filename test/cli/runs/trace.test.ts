import { copyFileSync, cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { TracedArtifact } from '../../../src/runner/runs/trace.js';
import { makeRun } from '../../runner/fixtures/make-run.js';
import { CommandLineProject } from '../command-line-run.js';

describe('./run runs trace', () => {
  let project: CommandLineProject;
  beforeEach(async () => {
    project = new CommandLineProject();
    const { root } = project;
    mkdirSync(join(root, 'raw'));
    writeFileSync(join(root, 'raw/rows.jsonl'), 'rows');
    await makeRun(root, {
      id: 'prepare/1',
      reads: { source: 'raw' },
      files: { 'data/a': 'a', 'data/b': 'b' },
      makes: { data: 'data' },
    });
    await makeRun(root, {
      id: 'train/1',
      reads: { data: 'outputs/prepare/1/data' },
      files: { 'model/weights': 'w', 'model/config': 'c' },
      makes: { model: 'model' },
    });
    await makeRun(root, {
      id: 'tune/1',
      reads: { model: 'outputs/train/1/model', rows: 'outputs/prepare/1/data/b' },
      files: { adapter: 'adapter' },
      makes: { adapter: 'adapter' },
    });
  });
  afterEach(() => project.remove());
  const text = async (file: string, wanted = 0) => {
    const { code, out, err } = await project.run('runs', 'trace', file);
    expect(code, out + err).to.equal(wanted);
    return out
      .trimEnd()
      .split('\n')
      .filter((line) => !line.includes('./run '))
      .map((line) => line.replace(/ {2}[0-9a-f]{12}/, ' HASH').replace(/, 2026-01-31 \S+, seed 42/, ''));
  };
  const json = async (file: string) =>
    JSON.parse((await project.run('runs', 'trace', file, '--log', 'json')).out) as TracedArtifact;

  it('goes back to the raw data, with hashes, and says of each that it is what was recorded', async () => {
    expect(await text('outputs/tune/1/adapter')).to.deep.equal([
      'outputs/tune/1/adapter HASH  as recorded',
      '└─ adapter of tune/1',
      '   ├─ model: outputs/train/1/model HASH  as recorded',
      '   │  └─ model of train/1',
      '   │     └─ data: outputs/prepare/1/data HASH  as recorded',
      '   │        └─ data of prepare/1',
      '   │           └─ source: raw HASH  as recorded',
      '   │                (no run made it: raw input)',
      '   └─ rows: outputs/prepare/1/data/b HASH  as recorded',
      '      └─ data of prepare/1, see above',
    ]);
  });

  it('knows a copy anywhere by its bytes: of an output, of a file in one, of a folder', async () => {
    const copies = join(project.root, 'elsewhere');
    mkdirSync(copies);
    copyFileSync(join(project.root, 'outputs/tune/1/adapter'), join(copies, 'one'));
    copyFileSync(join(project.root, 'outputs/train/1/model/weights'), join(copies, 'two'));
    cpSync(join(project.root, 'outputs/train/1/model'), join(copies, 'three'), { recursive: true });
    const found = await Promise.all(['one', 'two', 'three'].map((name) => json(join(copies, name))));
    expect(found.map(({ madeBy, output, note }) => [madeBy!.id, output, note])).to.deep.equal([
      ['tune/1', 'adapter', 'a copy of outputs/tune/1/adapter'],
      ['train/1', 'model', 'a copy of outputs/train/1/model/weights'],
      ['train/1', 'model', 'a copy of outputs/train/1/model'],
    ]);
  });

  it('takes a run folder, and a file in it that is no output', async () => {
    expect((await text('outputs/tune/1'))[1]).to.equal('└─ tune/1');
    writeFileSync(join(project.root, 'outputs/tune/1/metrics.jsonl'), '');
    expect((await text('outputs/tune/1/metrics.jsonl')).slice(0, 3)).to.deep.equal([
      'outputs/tune/1/metrics.jsonl',
      '  (in its folder, but none of its outputs: no hash was recorded)',
      '└─ by tune/1',
    ]);
  });

  it('says where bytes are no longer what was recorded, and ends with 1', async () => {
    writeFileSync(join(project.root, 'outputs/train/1/model/weights'), 'W');
    expect(await text('outputs/tune/1/adapter', 1)).to.include(
      '   ├─ model: outputs/train/1/model HASH  CHANGED: its bytes are not the recorded ones',
    );
    expect((await json('outputs/train/1/model/weights')).state).to.equal('changed');
    expect((await text('outputs/prepare/1/data/b'))[0]).to.contain('as recorded');
    const unchecked = await project.run('runs', 'trace', 'outputs/tune/1/adapter', 'check=false');
    expect(unchecked.code).to.equal(0);
  });

  it('says where a run read something else than the one before had made', async () => {
    writeFileSync(join(project.root, 'outputs/train/1/model/weights'), 'W');
    await makeRun(project.root, {
      id: 'tune/2',
      reads: { model: 'outputs/train/1/model' },
      files: { adapter: 'other' },
      makes: { adapter: 'adapter' },
    });
    expect((await json('outputs/tune/2/adapter')).madeBy!.inputs![0]).to.include({
      state: 'same',
      note: 'read as something else than train/1 had made: it was changed in between',
    });
  });

  it('says which links are lost, and finds the same bytes elsewhere', async () => {
    rmSync(join(project.root, 'outputs/train/1'), { recursive: true });
    expect(await text('outputs/tune/1/adapter')).to.include.members([
      '   ├─ model: outputs/train/1/model HASH  not there any more',
      '   │    (lost: the run that made it is no longer there)',
    ]);
    await makeRun(project.root, {
      id: 'train/2',
      files: { 'model/weights': 'w', 'model/config': 'c' },
      makes: { model: 'model' },
    });
    const [model] = (await json('outputs/tune/1/adapter')).madeBy!.inputs!;
    expect([model!.madeBy!.id, model!.note]).to.deep.equal([
      'train/2',
      'the same bytes as outputs/train/2/model',
    ]);
  });

  it('works in a project that was moved, and names every run that made the same bytes', async () => {
    await makeRun(project.root, {
      id: 'tune/2',
      files: { adapter: 'adapter' },
      makes: { adapter: 'adapter' },
    });
    expect((await json('outputs/tune/1/adapter')).alsoMadeBy).to.deep.equal(['tune/2']);
    const moved = join(project.root, 'moved');
    mkdirSync(moved);
    for (const name of ['outputs', 'raw']) renameSync(join(project.root, name), join(moved, name));
    const traced = await json('moved/outputs/tune/1/adapter');
    expect(traced.madeBy!.inputs!.map(({ state, madeBy }) => [state, madeBy!.id])).to.deep.equal([
      ['same', 'train/1'],
      ['same', 'prepare/1'],
    ]);
  });

  it('refuses what is not there, and leaves what no run made as it is', async () => {
    const { code, err } = await project.run('runs', 'trace', 'nowhere');
    expect(code).to.equal(2);
    expect(err).to.match(/^error: there is nothing to trace\n {2}at: .*nowhere\n/);
    expect(await text('package.json')).to.deep.equal([
      'package.json HASH',
      '  (no run of this project made it)',
    ]);
  });
});
