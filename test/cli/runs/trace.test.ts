import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { History } from '../../../src/runner/history.js';
import { trace } from '../../../src/runner/runs/trace.js';
import type { TracedArtifact } from '../../../src/runner/runs/traced.js';
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
    for (const run of ['outputs/tune/1', 'tune/1', 'latest:tune'])
      expect((await text(run))[1]).to.equal('└─ tune/1');
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

  it('follows a run that was resumed to the runs that it is the continuation of, also in a project that was moved', async () => {
    const { root } = project;
    const checkpoint = (id: string) => join(root, 'outputs', id, 'checkpoints/step_2');
    const state = { 'checkpoints/step_2/manifest.json': manifest({ 'state.safetensors': 's' }) };
    const files = { ...state, 'checkpoints/step_2/state.safetensors': 's' };
    await makeRun(root, {
      id: 'train/2',
      reads: { data: 'outputs/prepare/1/data' },
      files,
      status: 'interrupted',
    });
    await makeRun(root, {
      id: 'train/3',
      config: { resume: 'outputs/train/2' },
      facts: { resumed_from: checkpoint('train/2') },
      files: { model: 'm' },
      makes: { model: 'model' },
    });
    const told = [
      '   └─ resumed from: outputs/train/2/checkpoints/step_2 HASH  as recorded',
      '      └─ checkpoints/step_2 of train/2, interrupted',
      '         └─ data: outputs/prepare/1/data HASH  as recorded',
    ];
    expect((await text('outputs/train/3/model')).slice(2, 5)).to.deep.equal(told);
    mkdirSync(join(root, 'moved'));
    for (const name of ['outputs', 'raw']) renameSync(join(root, name), join(root, 'moved', name));
    for (const name of ['package.json', 'configs'])
      cpSync(join(root, name), join(root, 'moved', name), { recursive: true });
    const moved = await trace(join(root, 'moved/outputs/train/3/model'), new History(join(root, 'moved')));
    expect(moved.madeBy!.resumedFrom!.madeBy!.inputs!.map(({ name, state }) => [name, state])).to.deep.equal([
      ['data', 'same'],
    ]);
    rmSync(join(root, 'moved/outputs/train/2'), { recursive: true });
    const lost = await trace(join(root, 'moved/outputs/train/3/model'), new History(join(root, 'moved')));
    expect(lost.madeBy!.resumedFrom).to.include({
      state: 'missing',
      note: 'lost: the run that it went on from is no longer there',
    });
  });

  it('knows checkpoints, and copies of them, by the hashes in their manifests', async () => {
    const { root } = project;
    await makeRun(root, {
      id: 'train/2',
      files: {
        'checkpoints/step_2/manifest.json': manifest({ 'state.safetensors': 's' }),
        'checkpoints/step_2/state.safetensors': 's',
      },
    });
    const state = join(root, 'outputs/train/2/checkpoints/step_2/state.safetensors');
    copyFileSync(state, join(root, 'copy'));
    cpSync(join(root, 'outputs/train/2/checkpoints/step_2'), join(root, 'whole'), { recursive: true });
    for (const name of ['copy', 'whole']) {
      const { madeBy, output } = await json(join(root, name));
      expect([madeBy!.id, output]).to.deep.equal(['train/2', 'checkpoints/step_2']);
    }
    writeFileSync(state, 'S');
    for (const path of [state, join(state, '..')]) expect((await json(path)).state).to.equal('changed');
    writeFileSync(join(state, '../manifest.json'), '{');
    expect((await json(state)).note).to.equal('in its folder, but none of its outputs: no hash was recorded');
  });

  it('takes the folder of a pipeline or a sweep, and follows each of its runs', async () => {
    const { root } = project;
    const step = (
      name: string,
      folder: string | null,
      status: 'done' | 'skipped' | 'waiting',
      reason?: string,
    ) => ({
      ...{ name, stage: 'train', status, folder, durationSeconds: null, needs: [], uses: [] },
      ...(reason !== undefined && { reason }),
    });
    await makeRun(root, {
      id: 'tour/1',
      steps: [
        step('train', '../../train/1', 'skipped', 'same config, code and inputs'),
        step('tune', '../../tune/1', 'done'),
        step('test', null, 'waiting'),
        step('gone', '../../train/9', 'done'),
      ],
    });
    const shown = (await text('outputs/tour/1')).filter((line) => /step|model:|by|\bof\b/.test(line));
    expect(shown).to.deep.equal([
      '   ├─ step train: skipped (same config, code and inputs)',
      '   │        └─ data of prepare/1',
      '   ├─ step tune: done',
      '   │     ├─ model: outputs/train/1/model HASH  as recorded',
      '   │     │  └─ model of train/1, see above',
      '   │        └─ data of prepare/1, see above',
      '   ├─ step test: waiting',
      '   └─ step gone: done (lost: outputs/train/9 is no longer there)',
    ]);
    project.write(
      'outputs/sweep/sweep.json',
      JSON.stringify({
        version: 1,
        stage: 'train',
        command: './run train -m seed=1,2',
        status: 'done',
        startedAt: '2026-01-31T12:00:00.000Z',
        swept: ['seed'],
        jobs: [1, 2].map((num) => ({
          num,
          overrides: ['a=1', `seed=${num}`],
          status: 'done',
          folder: `../train/${num}`,
        })),
      }),
    );
    const sweep = await json('outputs/sweep');
    expect(sweep.madeBy!.parts.map(({ name, run, note }) => [name, run?.id, note])).to.deep.equal([
      ['job 1 seed=1', 'train/1', null],
      ['job 2 seed=2', undefined, 'lost: outputs/train/2 is no longer there'],
    ]);
    writeFileSync(join(root, 'outputs/train/1/model/weights'), 'W');
    await text('outputs/tour/1', 1);
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

// Of a checkpoint of step 2 with these files and texts.
function manifest(texts: Record<string, string>): string {
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  const files = Object.entries(texts).map(([name, text]) => [
    name,
    { bytes: text.length, sha256: sha256(text) },
  ]);
  return JSON.stringify({ step: 2, files: Object.fromEntries(files) });
}
