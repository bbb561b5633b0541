import { existsSync, mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect } from 'chai';
import { History } from '../../../src/runner/history.js';
import { type MadeRun, makeRun } from '../../runner/fixtures/make-run.js';
import { CommandLineProject } from '../command-line-run.js';

let minute = 0;
/** A run that started long ago, each a minute after the one before. */
const old = () => ({ startedAt: new Date(Date.UTC(2026, 0, 1, 0, minute++)).toISOString() });

describe('./run runs gc', () => {
  let project: CommandLineProject;
  beforeEach(() => {
    project = new CommandLineProject();
  });
  afterEach(() => project.remove());
  const make = (run: MadeRun) => makeRun(project.root, { ...old(), ...run });
  const gc = async (...words: string[]) => {
    const { code, out, err } = await project.run('runs', 'gc', ...words, '--log', 'json');
    expect(code, err).to.equal(0);
    const { found, deleted } = JSON.parse(out) as {
      found: { folder: string; kind: string; bytes: number }[];
      deleted: string[];
    };
    const short = (folder: string) => relative(join(project.root, 'outputs'), folder);
    return {
      found: found.map(({ folder, kind }) => `${kind} ${short(folder)}`),
      deleted: deleted.map(short),
    };
  };

  it('finds what failed and what nothing needs, and keeps what the latest good ones came from', async () => {
    await make({ id: 'prepare/used', files: { data: 'd' }, makes: { data: 'data' } });
    await make({ id: 'prepare/latest', files: { data: 'e' }, makes: { data: 'data' } });
    await make({ id: 'train/unused', reads: { data: 'outputs/prepare/used/data' } });
    await make({ id: 'train/failed', status: 'failed' });
    await make({
      id: 'train/begun',
      status: 'interrupted',
      files: { 'checkpoints/step_3/manifest.json': '{}' },
    });
    await make({
      id: 'train/idle',
      status: 'interrupted',
      files: { 'checkpoints/step_9/manifest.json': '{}' },
    });
    await make({
      id: 'train/latest',
      config: { resume: 'outputs/train/begun' },
      reads: { data: 'outputs/prepare/used/data' },
    });
    await make({
      id: 'train/stopped',
      status: 'interrupted',
      files: { 'checkpoints/step_9/manifest.json': '{}' },
    });
    await make({ id: 'train/recent', status: 'failed', startedAt: new Date().toISOString() });
    expect((await gc()).found).to.deep.equal([
      'unused train/unused',
      'failed train/failed',
      'failed train/idle',
    ]);
    expect((await gc('only=failed')).found).to.deep.equal(['failed train/failed', 'failed train/idle']);
    expect((await gc('keep=0')).found).to.include('failed train/recent');
    expect((await gc('keep=2020-01-01')).found).to.deep.equal([]);
  });

  it('keeps the steps of a kept pipeline, and the good jobs of a sweep together', async () => {
    await make({ id: 'copy/step', files: {} });
    await make({ id: 'copy/later' });
    const steps = [
      {
        name: 'copy',
        stage: 'copy',
        status: 'done' as const,
        folder: '../../copy/step',
        durationSeconds: 1,
        needs: [],
        uses: [],
      },
    ];
    await make({ id: 'tour/1', steps });
    for (const sweep of ['old', 'new']) {
      mkdirSync(join(project.root, 'outputs/multirun', sweep), { recursive: true });
      writeFileSync(join(project.root, 'outputs/multirun', sweep, 'multirun.yaml'), '');
      for (const job of ['0', '1', '2'])
        await make({
          id: `multirun/${sweep}/${job}`,
          stage: 'score',
          status: job === '1' ? 'failed' : 'done',
        });
    }
    expect((await gc()).found).to.deep.equal([
      'unused multirun/old/0',
      'failed multirun/old/1',
      'unused multirun/old/2',
      'failed multirun/new/1',
    ]);
  });

  it('finds checkpoints that a later one replaced, but none that is the best, or that another run went on from', async () => {
    const files = Object.fromEntries(
      [10, 20, 30, 40].map((step) => [`checkpoints/step_${step}/state`, 'x'.repeat(100)]),
    );
    await make({
      id: 'train/1',
      files: { ...files, 'checkpoints/step_40/progress.json': '{"best":[{"step":20}]}' },
    });
    await make({ id: 'tune/1', reads: { checkpoint: 'outputs/train/1/checkpoints/step_10' } });
    await make({ id: 'other/1', files, status: 'failed' });
    expect((await gc('only=checkpoints')).found).to.deep.equal(['checkpoints train/1/checkpoints/step_30']);
  });

  it('deletes nothing but what it has shown, and only when told to', async () => {
    await make({ id: 'train/2026-01-01/bad', status: 'failed', files: { 'deep/er/file': 'x' } });
    await make({
      id: 'train/2026-01-02/good',
      files: { 'checkpoints/step_1/a': '', 'checkpoints/step_2/a': '' },
    });
    const { out } = await project.run('runs', 'gc');
    expect(
      out.split('\n').map((line) => line.replace(/ {2,}/g, ' | ').replace(/\d+ B$/, 'SIZE')),
    ).to.include.members([
      'outputs/train/2026-01-01/bad | failed | SIZE',
      'nothing was deleted: add delete=true for that',
    ]);
    expect(existsSync(join(project.root, 'outputs/train/2026-01-01/bad/run.json'))).to.equal(true);
    expect((await gc('delete=true')).deleted).to.deep.equal([
      'train/2026-01-01/bad',
      'train/2026-01-02/good/checkpoints/step_1',
    ]);
    expect(readdirSync(join(project.root, 'outputs/train'))).to.deep.equal(['2026-01-02']);
    expect(readdirSync(join(project.root, 'outputs/train/2026-01-02/good/checkpoints'))).to.deep.equal([
      'step_2',
    ]);
    expect(new History(project.root).list().map(({ id }) => id)).to.deep.equal(['train/2026-01-02/good']);
    expect((await project.run('runs', 'gc')).out).to.equal('nothing to delete\n');
  });

  it('never follows a link, nor leaves outputs/', async () => {
    await make({ id: 'train/linked', status: 'failed', files: { kept: 'x' } });
    await make({ id: 'train/good' });
    const elsewhere = join(project.root, 'elsewhere');
    renameSync(join(project.root, 'outputs/train/linked'), elsewhere);
    symlinkSync(elsewhere, join(project.root, 'outputs/train/linked'));
    await make({ id: '../outside', stage: 'train', status: 'failed', files: { kept: 'x' } });
    const holder = await make({ id: 'train/holder', status: 'failed' });
    symlinkSync(elsewhere, join(holder, 'link'));
    const { code, err } = await project.run('runs', 'gc', 'delete=true', 'keep=0');
    expect(code).to.equal(1);
    expect(err).to.match(/linked was not deleted: it is gone, or reached by a link\n/);
    expect(err).to.match(/outside was not deleted: it lies outside outputs\/\n/);
    expect(existsSync(holder)).to.equal(false);
    expect(existsSync(join(elsewhere, 'kept')) && existsSync(join(project.root, 'outside/kept'))).to.equal(
      true,
    );
  });

  it('refuses words that it does not know', async () => {
    const rows: [word: string, message: RegExp][] = [
      ['only=everything', /only=everything: failed, unused, checkpoints are there/],
      ['keep=long', /keep=long: 12h, 7d, 4w, a date, or 0 is expected/],
      ['delete=yes', /delete=yes: true or false is expected/],
      ['latest', /too many words: latest/],
    ];
    for (const [word, message] of rows) {
      const { code, err } = await project.run('runs', 'gc', word);
      expect(code).to.equal(2);
      expect(err).to.match(message);
    }
  });
});
