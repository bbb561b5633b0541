import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { parallelAxis } from '../../src/report/charts/parallel.js';
import { writeReport } from '../../src/report/index.js';
import { rankCorrelation } from '../../src/report/rank-correlation.js';
import { tablesScript } from '../../src/report/script/tables.js';
import { readSweepFolder } from '../../src/report/sweep-folder.js';
import { removeTemporaryFolders, temporaryFolder, writeFiles } from './fixture/run-folders.js';
import { type FixtureJob, sweepFolder } from './fixture/sweep.js';
import { firstFlaw } from './fixture/well-formed.js';

const lr = (rate: string) => [`training.learning_rate=${rate}`, 'training.max_steps=3'];

const THREE: FixtureJob[] = [
  { overrides: lr('1e-3'), loss: 4.5 },
  { overrides: lr('1e-2'), loss: 3.5 },
  {
    overrides: lr('1'),
    loss: null,
    record: { status: 'failed', error: { message: 'loss is NaN at step 2\nmore' } },
  },
];

describe('report of a sweep', () => {
  after(removeTemporaryFolders);

  it('is one well-formed file that names the best job and shows the failed one with its reason', async () => {
    const page = await pageOf(THREE);
    expect(firstFlaw(page)).to.equal(null);
    expect(page).to.match(/<b class="figure">3\.5<\/b> lowest validation\/loss: job 1/);
    expect(page.match(/<tr class="best">/g)).to.have.length(1);
    expect(page).to.match(/status-failed">failed<\/span><br><span class="why"[^>]*>loss is NaN at step 2</);
    expect(page).to.include('2 done, 1 failed');
    expect(page).to.not.match(/(src|href)="(?!\.\/)|@import|url\(|https?:/);
  });

  it('tells swept keys from those that all jobs share', async () => {
    const { swept, judgement } = await readSweepFolder(await sweepFolder(await temporaryFolder(), THREE));
    expect(swept).to.deep.equal(['training.learning_rate']);
    expect(judgement).to.deep.equal({
      metric: 'validation/loss',
      direction: 'minimize',
      assumed: false,
      best: 1,
    });
  });

  it('takes a loss where the sweeper has no objective, and says so', async () => {
    const page = await pageOf(THREE, { 'multirun.yaml': 'hydra:\n  sweeper:\n    _target_: basic\n' });
    expect(page).to.include('lowest validation/loss: job 1');
    expect(page).to.include('The sweeper had no objective');
  });

  it('judges the largest as best where the sweep maximizes', async () => {
    const multirun = 'hydra:\n  sweeper:\n    objective: validation/loss\n    direction: maximize\n';
    expect(await pageOf(THREE, { 'multirun.yaml': multirun })).to.include('highest validation/loss: job 0');
  });

  it('reads jobs that have not started, and what only the sweep knows of the others, from sweep.json', async () => {
    const folder = await sweepFolder(await temporaryFolder(), [
      { overrides: lr('1e-3'), loss: 4.5, record: { status: 'interrupted' } },
    ]);
    const job = { overrides: lr('1e-3'), error: null };
    await writeFiles(folder, {
      'sweep.json': {
        stage: 'pretrain',
        command: './run pretrain -m x=1,2',
        status: 'running',
        startedAt: '2026-01-31T12:00:00.000Z',
        endedAt: null,
        objective: { metric: 'validation/loss', direction: 'minimize' },
        jobs: [
          { ...job, num: 0, status: 'pruned', folder: '0' },
          { ...job, num: 1, overrides: lr('7e-3'), status: 'queued', folder: null },
        ],
      },
    });
    const page = await readFile(await writeReport(folder), 'utf8');
    expect(page).to.include('1 pruned, 1 queued').and.include('7e-3').and.include('./run pretrain -m x=1,2');
    expect(page).to.include('lowest validation/loss: job 0');
  });

  it('of a pipeline shows what its steps came to, wherever they ran', async () => {
    const jobs: FixtureJob[] = [0, 1].map((index) => ({
      overrides: [`rate=${index}`],
      loss: null,
      record: { steps: [{ name: 'base', stage: 'pretrain', status: 'done', folder: `../../base-${index}` }] },
    }));
    const folder = await sweepFolder(join(await temporaryFolder(), 'swept'), jobs, {
      'multirun.yaml': 'hydra:\n  sweeper:\n    objective: loss\n',
      ...Object.fromEntries(
        [4.5, 3.5].flatMap((loss, index) => [
          [`../base-${index}/run.json`, JSON.stringify({ stage: 'pretrain', status: 'done' })],
          [
            `../base-${index}/metrics.jsonl`,
            [1, 2].map((step) => `{"step":${step},"loss":${loss}}\n`).join(''),
          ],
        ]),
      ),
    });
    const { jobs: read, judgement } = await readSweepFolder(folder);
    expect(read.map(({ metrics, value }) => [metrics.map(({ name }) => name), value])).to.deep.equal([
      [['base.loss'], 4.5],
      [['base.loss'], 3.5],
    ]);
    expect(judgement).to.include({ metric: 'loss', best: 1 });
    const page = await readFile(await writeReport(folder), 'utf8');
    expect(page)
      .to.include('Curves of all jobs')
      .and.to.match(/lowest loss: job 1/);
  });

  it('of folders that are not numbers keeps the order of job numbers', async () => {
    const jobs = Array.from({ length: 12 }, (_, index) => ({ overrides: lr(`${index + 1}e-3`), loss: 3 }));
    const { jobs: read } = await readSweepFolder(await sweepFolder(await temporaryFolder(), jobs));
    expect(read.map((job) => job.num)).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  it('without a job, and with damaged ones, is still a page', async () => {
    expect(await pageOf([])).to.include('No job has started');
    const page = await pageOf(THREE, { '0/run.json': '{"sta', '1/metrics.jsonl': 'torn' });
    expect(firstFlaw(page)).to.equal(null);
    expect(page).to.include('1 done, 1 failed');
  });

  it('gives rank correlations from six jobs on, and calls them that', async () => {
    const jobs = [1, 2, 3, 4, 5, 6].map((n) => ({ overrides: lr(`${n}e-3`), loss: 5 - n / 2 }));
    expect(await pageOf(jobs)).to.match(
      /Rank correlation with validation\/loss[\s\S]*−1\.00[\s\S]*over 6 jobs/,
    );
    expect(await pageOf(jobs.slice(0, 5))).to.not.include('Rank correlation');
  });

  it('gives few jobs a colour each and many a place between best and worst', async () => {
    const jobs = [1, 2, 3, 4, 5, 6, 7].map((n) => ({ overrides: lr(`${n}e-3`), loss: n }));
    expect(await pageOf(jobs.slice(0, 6)))
      .to.include('data-chart="few"')
      .and.not.include('data-chart="crowd"');
    const page = await pageOf(jobs);
    expect(page)
      .to.include('data-chart="crowd"')
      .and.match(/class="line ramp best" style="--shade:0%" data-series="6"/);
  });

  it('escapes what overrides and errors say', async () => {
    const hostile = '</script><script>alert("x")</script><img src=x>';
    const page = await pageOf([
      { overrides: [`a=${hostile}`], loss: 1, record: { error: { message: hostile }, status: 'failed' } },
      { overrides: ['a=2'], loss: 2 },
    ]);
    expect(firstFlaw(page)).to.equal(null);
    expect(page).to.not.include('<img').and.not.include('alert("x")');
  });

  async function pageOf(jobs: FixtureJob[], files = {}): Promise<string> {
    return await readFile(await writeReport(await sweepFolder(await temporaryFolder(), jobs, files)), 'utf8');
  }
});

describe('report/charts/parallel', () => {
  it('numbers run from low (bottom) to high (top), logarithmic where they span much', () => {
    expect(parallelAxis('x', ['1', '2', '3']).places).to.deep.equal([1000, 500, 0]);
    expect(parallelAxis('x', ['0.001', '1', '0.0316227766']).places[2]).to.be.closeTo(500, 1e-6);
  });

  it('words stand in their order of appearance, missing values nowhere', () => {
    expect(parallelAxis('x', ['adamw', 'muon', null]).places).to.deep.equal([40, 960, null]);
    expect(parallelAxis('x', ['1', 'auto']).ticks.map((tick) => tick.text)).to.deep.equal(['1', 'auto']);
  });

  it('labels that would cover one another are left out, the outermost last', () => {
    const { ticks } = parallelAxis('x', ['0.001', '0.0011', '10', '1']);
    expect(ticks.map(({ text }) => text)).to.have.members(['0.001', '10', '1']);
  });

  it('one value for all jobs stands in the middle', () => {
    expect(parallelAxis('x', [3, 3]).places).to.deep.equal([500, 500]);
    expect(parallelAxis('x', ['only', 'only']).places).to.deep.equal([500, 500]);
  });
});

describe('report/rank-correlation', () => {
  const cases: [string, number[], number[], number | null][] = [
    ['a rising curve, however bent, is 1', [1, 2, 3, 4], [1, 10, 11, 1000], 1],
    ['a falling one is -1', [1, 2, 3], [9, 5, -3], -1],
    ['a curve with its optimum in the middle is 0', [1, 2, 3, 4, 5], [2, 1, 0, 1, 2], 0],
    // 1 - 6·(1 + 1) / (4·15), no ties
    ['one swap among four', [1, 2, 3, 4], [1, 3, 2, 4], 0.8],
    ['two pairs say nothing', [1, 2], [1, 2], null],
    ['a constant says nothing', [1, 1, 1], [1, 2, 3], null],
  ];
  for (const [name, left, right, expected] of cases) {
    it(name, () => {
      const correlation = rankCorrelation(left, right);
      if (expected === null) expect(correlation).to.equal(null);
      else expect(correlation).to.be.closeTo(expected, 1e-12);
    });
  }
});

describe('report/script/tables', () => {
  it('numbers sort as numbers, words as words with their numbers in order', () => {
    const compare = `${tablesScript.split('function sortTable')[0]}; (left, right) => compareKeys(left, right)`;
    const compareKeys = runInNewContext(compare) as (left: unknown, right: unknown) => number;
    expect([10, 9, 100].sort(compareKeys)).to.deep.equal([9, 10, 100]);
    expect(['job 10', 'job 9'].sort(compareKeys)).to.deep.equal(['job 9', 'job 10']);
  });
});
