import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { readTime } from '../../../src/cli/runs/read-time.js';
import { processStart } from '../../../src/runner/process-identity.js';
import { makeRun } from '../../runner/fixtures/make-run.js';
import { CommandLineProject } from '../command-line-run.js';

const day = (number: number) => ({ startedAt: `2026-01-0${number}T12:00:00.000Z` });

describe('./run runs', () => {
  let project: CommandLineProject;
  before(async () => {
    project = new CommandLineProject();
    const { root } = project;
    await makeRun(root, {
      id: 'train/a',
      ...day(1),
      metrics: { 'train/loss': 3.5, 'validation/loss': 4 },
      durationSeconds: 75,
    });
    await makeRun(root, {
      id: 'train/b',
      ...day(2),
      metrics: { 'train/loss': 2 },
      status: 'failed',
      files: { big: 'x'.repeat(5000) },
    });
    await makeRun(root, { id: 'train/c', ...day(3), metrics: { 'train/loss': 'NaN' } });
    mkdirSync(join(root, 'outputs/multirun/s'), { recursive: true });
    writeFileSync(join(root, 'outputs/multirun/s/multirun.yaml'), '');
    await makeRun(root, { id: 'multirun/s/0', ...day(4), stage: 'train', metrics: { 'train/loss': 1 } });
    await makeRun(root, { id: 'copy/a', ...day(5), facts: { result: { model: 'x', rows: 7 } } });
    const steps = [
      {
        name: 'copy',
        stage: 'copy',
        status: 'done' as const,
        folder: '../../copy/a',
        durationSeconds: 1,
        needs: [],
        uses: [],
      },
    ];
    await makeRun(root, {
      id: 'tour/a',
      ...day(6),
      steps,
      tables: [
        {
          title: 'T',
          columns: ['model', 'accuracy'],
          rows: [
            ['base', 1],
            ['tuned', 2.5],
          ],
        },
      ],
    });
    await makeRun(root, {
      id: 'wait/lost',
      ...day(7),
      status: 'running',
      pid: await goneProcess(),
      durationSeconds: null,
    });
    await makeRun(root, {
      id: 'wait/reused',
      ...day(8),
      status: 'running',
      pid: process.pid,
      processStart: '1',
      durationSeconds: null,
    });
    await makeRun(root, {
      id: 'wait/mine',
      ...day(9),
      status: 'running',
      pid: process.pid,
      processStart: processStart(process.pid),
      durationSeconds: null,
    });
  });
  after(() => project.remove());
  const ids = async (...words: string[]) => {
    const { code, out, err } = await project.run('runs', ...words, '--log', 'json');
    expect(code, err).to.equal(0);
    return (JSON.parse(out) as { id: string }[]).map(({ id }) => id);
  };

  it('lists every run with what it is worth and what it belongs to, newest last', async () => {
    const { out } = await project.run('runs');
    const lines = out.split('\n').map((line) => line.trimEnd().replace(/ {2,}/g, ' | '));
    expect(lines.map((line) => line.replace(/\d+ B|\d\.\d KiB/, 'SIZE'))).to.deep.equal([
      '9 runs',
      'run | status | time | size | figure | part of',
      lines[2],
      'train/a | done | 1:15 | SIZE | validation/loss 4',
      'train/b | failed | 0:10 | SIZE | train/loss 2',
      'train/c | done | 0:10 | SIZE',
      'multirun/s/0 | done | 0:10 | SIZE | train/loss 1 | job of multirun/s',
      'copy/a | done | 0:10 | SIZE | rows 7 | step of tour/a',
      'tour/a | done | 0:10 | SIZE | tuned accuracy 2.5 | pipeline of 1',
      'wait/lost | lost',
      'wait/reused | lost',
      'wait/mine | running',
      '',
    ]);
  });

  it('makes the report of a lost run, once, and of no other', async () => {
    const report = (id: string) => join(project.root, 'outputs', id, 'report.html');
    await project.run('runs', 'status=lost');
    expect(readFileSync(report('wait/lost'), 'utf8')).to.include('The process that watched this is gone');
    expect(existsSync(report('wait/mine'))).to.equal(false);
    const { mtimeMs } = statSync(report('wait/lost'));
    const { out } = await project.run('runs', 'show', 'wait/lost');
    expect(out).to.include(`report: ${report('wait/lost')}`);
    expect(statSync(report('wait/lost')).mtimeMs).to.equal(mtimeMs);
    utimesSync(report('wait/lost'), 1, 1);
    await project.run('runs', 'show', 'wait/lost');
    expect(statSync(report('wait/lost')).mtimeMs).to.be.at.least(mtimeMs);
  });

  it('makes that of a sweep that was killed too', async () => {
    const killed = new CommandLineProject();
    const sweep = join(killed.root, 'outputs/multirun/k');
    mkdirSync(sweep, { recursive: true });
    writeFileSync(join(sweep, 'multirun.yaml'), '');
    const gone = { status: 'running' as const, pid: await goneProcess(), durationSeconds: null };
    await makeRun(killed.root, { id: 'multirun/k/0', ...day(1), stage: 'train', ...gone });
    await killed.run('runs');
    expect(readFileSync(join(sweep, 'report.html'), 'utf8')).to.include('lost');
    expect(existsSync(join(sweep, '0/report.html'))).to.equal(true);
    killed.remove();
  });

  const queries: [words: string[], ids: string[]][] = [
    [
      ['list', 'stage=stage_0'],
      ['train/a', 'train/b', 'train/c', 'multirun/s/0'],
    ],
    [['stage=copy,tour'], ['copy/a', 'tour/a']],
    [['status=failed'], ['train/b']],
    [['status=lost,running'], ['wait/lost', 'wait/reused', 'wait/mine']],
    [
      ['since=2026-01-05', 'until=2026-01-07'],
      ['copy/a', 'tour/a'],
    ],
    [['train/loss<3'], ['train/b', 'multirun/s/0']],
    [['train/loss>=2', 'train/loss<=2'], ['train/b']],
    [
      ['stage=train', 'sort=train/loss'],
      ['train/c', 'multirun/s/0', 'train/b', 'train/a'],
    ],
    [['sort=duration', 'limit=1'], ['train/a']],
    [['sort=size', 'limit=1'], ['train/b']],
    [['limit=2'], ['wait/reused', 'wait/mine']],
    [['since=1m'], []],
  ];
  for (const [words, found] of queries) {
    it(`finds by ${words.join(' ')}`, async () => {
      expect(await ids(...words)).to.deep.equal(found);
    });
  }

  const refused: [words: string[], message: string, hint: RegExp][] = [
    [['stagge=train'], 'there is no option stagge', /^did you mean stage\?$/],
    [['stage=a', 'stage=b'], 'stage is given twice', /^\.\/run runs stage=/],
    [['status=good'], 'status=good: running, done, failed, interrupted, lost are there', /./],
    [['since=yesterday'], 'since=yesterday: 30m, 12h, 2d, 1w or a date such as 2026-01-31 is expected', /./],
    [['limit=-1'], 'limit=-1: a whole number is expected', /./],
    [['stage=tran'], 'there is no stage tran, nor a run of it', /^did you mean train\?$/],
    [['sort=tain/loss'], 'no run has a metric tain/loss', /^did you mean train\/loss\?$/],
    [['accuracy>1'], 'no run has a metric accuracy', /./],
    [['list', 'train'], "train is no condition such as 'train/loss<3'", /./],
    [['lisst'], 'runs does not know lisst', /^did you mean \.\/run runs list\?$/],
    [['show'], 'a word is missing', /^\.\/run runs show latest$/],
    [['show', 'a', 'b'], 'too many words: b', /./],
  ];
  for (const [words, message, hint] of refused) {
    it(`refuses ${words.join(' ')}`, async () => {
      const { code, out, err } = await project.run('runs', ...words);
      const [first, second] = err.split('\n');
      expect([code, out, first]).to.deep.equal([2, '', `error: ${message}`]);
      expect(second!.replace('  hint: ', '')).to.match(hint);
    });
  }

  it('shows one with all that its folder says', async () => {
    await makeRun(project.root, {
      id: 'refuse/a',
      status: 'failed',
      exitCode: 1,
      error: {
        code: 'data.no_rows',
        message: 'the pool is empty',
        where: 'rows.jsonl:1',
        hint: 'give it rows',
      },
      facts: { engine: 'none' },
      reads: { data: 'package.json' },
      files: {
        'metrics.jsonl': '{"step":3,"time":"x","train/loss":2.5}\n{"step":4,"tr',
        'checkpoints/step_10/a': '',
        'checkpoints/step_9/a': '',
      },
    });
    const { out } = await project.run('runs', 'show', 'refuse');
    const lines = out.split('\n').map((line) => line.trimEnd().replace(/ {2,}/g, ' | '));
    for (const line of [
      'run | refuse/a',
      'status | failed, exit code 1',
      'checkpoints | step_9, step_10',
      'at | rows.jsonl:1',
      'hint | give it rows',
      'engine | none',
      'Metrics at step 3',
      'train/loss | 2.5',
    ])
      expect(lines).to.include(line);
    expect(out).to.match(/^data +20 B +[0-9a-f]{12} +\.\.\/\.\.\/\.\.\/package\.json$/m);
    const shown = JSON.parse((await project.run('runs', 'show', 'refuse', '--log', 'json')).out);
    expect(shown).to.deep.include({
      id: 'refuse/a',
      lastStep: 3,
      metrics: { 'train/loss': 2.5 },
      checkpoints: ['step_9', 'step_10'],
    });
  });

  it('shows a lost one as lost', async () => {
    expect((await project.run('runs', 'show', 'wait/lost')).out).to.match(
      /^status +lost: its process \d+ is gone/m,
    );
  });
});

describe('a time in words', () => {
  const now = Date.parse('2026-01-31T12:00:00Z');
  const rows: [text: string, time: number | undefined][] = [
    ['30m', now - 1800e3],
    ['1.5h', now - 5400e3],
    ['2d', now - 2 * 86400e3],
    ['1w', now - 7 * 86400e3],
    ['2026-01-30', new Date(2026, 0, 30).getTime()],
    ['2026-01-30T06:00:00Z', Date.parse('2026-01-30T06:00:00Z')],
    ['2026-13-30', undefined],
    ['3', undefined],
    ['', undefined],
  ];
  for (const [text, time] of rows) {
    it(`is read from "${text}"`, () => {
      expect(readTime(text, now)).to.equal(time);
    });
  }
});

async function goneProcess(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid!;
}
