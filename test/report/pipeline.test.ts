import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { timeline } from '../../src/report/charts/timeline.js';
import { reportOf, writeReport } from '../../src/report/index.js';
import { removeTemporaryFolders, runFolder, temporaryFolder } from './fixture/run-folders.js';
import { firstFlaw } from './fixture/well-formed.js';

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 31, 12) + 1000 * seconds).toISOString();

const REASON = 'same config, code and inputs';
const ERROR = { code: 'train.not_finite', message: 'loss is NaN at step 1', where: 'rows.jsonl:3' };

/** One step taken from an earlier run, one that is done, one that failed, one that waited for it in vain. */
async function failedPipeline(): Promise<string> {
  const outputs = await temporaryFolder();
  const run = (name: string, from: number, to: number, record: object = {}) =>
    runFolder(join(outputs, name), {
      ...{ id: name, stage: name, startedAt: at(from), endedAt: at(to), durationSeconds: to - from },
      ...record,
    });
  await run('prepare', -500, -440);
  await run('base', 0, 30, { tables: [{ title: 'Pretraining', columns: ['loss'], rows: [['4.2']] }] });
  await run('tuned', 30, 40, { status: 'failed', error: ERROR });
  const step = (name: string, status: string, more: object) => {
    return { name, stage: name, status, folder: `../${name}`, durationSeconds: null, needs: [], ...more };
  };
  return runFolder(join(outputs, 'whole'), {
    ...{ stage: 'whole', status: 'failed', startedAt: at(0), endedAt: at(40) },
    steps: [
      step('prepare', 'skipped', { reason: REASON }),
      step('base', 'done', { durationSeconds: 30, uses: [{ step: 'prepare', output: 'data' }] }),
      step('tuned', 'failed', { durationSeconds: 10, error: ERROR, needs: ['base'] }),
      step('judged', 'skipped', { folder: null, reason: 'it needs tuned, which failed', needs: ['tuned'] }),
    ],
  });
}

describe('report of a pipeline that failed', () => {
  after(removeTemporaryFolders);

  let page: string;
  before(async () => {
    page = await readFile(await writeReport(await failedPipeline()), 'utf8');
    expect(firstFlaw(page)).to.equal(null);
  });

  it('tells a step taken from an earlier run from one that could not run', () => {
    expect(page).to.include('<small>1 reused, 1 done, 1 failed, 1 skipped</small>');
    expect(page).to.match(new RegExp(`status-reused">reused</span><br><small>${REASON}`));
    expect(page).to.match(/status-skipped">skipped<\/span><br><small>it needs tuned, which failed/);
    expect(page).to.include('took 1 min 0 s');
  });

  it('says beside each failed step why', () => {
    expect(page).to.match(/status-failed">failed<\/span><br><small class="why bad">loss is NaN at step 1/);
  });

  it('marks such steps in the graph', () => {
    const boxes = [...page.matchAll(/<g class="step (\w+)">[\s\S]*?step-detail"[^>]*>([^<]*)/g)];
    expect(boxes.map(([, status, detail]) => [status, detail])).to.deep.equal([
      ['reused', 'reused'],
      ['done', '30 s'],
      ['failed', 'failed · 10 s'],
      ['skipped', 'skipped'],
    ]);
  });

  it('draws the times of what ran here, from the start of the first of it', () => {
    const bars = [...page.matchAll(/left:([\d.]+)%;width:([\d.]+)%" title="(\w+): (\w+)"/g)];
    expect(bars.map(([, ...bar]) => bar)).to.deep.equal([
      ['0.00', '75.00', 'base', 'done'],
      ['75.00', '25.00', 'tuned', 'failed'],
    ]);
  });

  it('names the step whose table it shows in place of the result', () => {
    expect(page).to.include('<h2>Result <small>of base, the last step that has one</small></h2>');
    expect(page.indexOf('<h2>Result'), 'after the steps').to.be.greaterThan(page.indexOf('<h2>Steps'));
  });

  it('of one that was killed shows what was running as lost, to who can tell', async () => {
    const outputs = await temporaryFolder();
    const running = { status: 'running', startedAt: at(0), endedAt: null, durationSeconds: null };
    await runFolder(join(outputs, 'base'), running);
    const steps = [
      { name: 'base', stage: 'base', status: 'running', folder: '../base' },
      { name: 'tuned', stage: 'tuned', status: 'waiting', folder: null },
    ];
    const folder = await runFolder(join(outputs, 'whole'), { ...running, steps });
    const time = Date.parse(at(60));
    const counts = async (status: string) =>
      /<h2>Steps <small>([^<]*)/.exec(await reportOf(folder, { now: { time, statusOf: () => status } }))![1];
    expect(await counts('lost')).to.equal('1 lost, 1 waiting');
    expect(await counts('running')).to.equal('1 running, 1 waiting');
    expect(await reportOf(folder)).to.include('<span class="status status-running">running</span>');
  });
});

describe('report/charts/timeline', () => {
  it('marks three to five round times, whatever the length', () => {
    const ticks = (seconds: number) => {
      const chart = timeline([{ label: 'a', status: 'done', from: 0, to: 1000 * seconds }])!.text;
      return [...chart.slice(chart.indexOf('time-axis')).matchAll(/%">([^<]*)/g)].map(([, text]) => text);
    };
    expect(ticks(0.9)).to.deep.equal(['0', '0.2 s', '0.4 s', '0.6 s', '0.8 s']);
    expect(ticks(24)).to.deep.equal(['0', '10 s', '20 s']);
    expect(ticks(400)).to.deep.equal(['0', '2 min', '4 min', '6 min']);
    expect(ticks(30_000)).to.deep.equal(['0', '2 h', '4 h', '6 h', '8 h']);
    expect(ticks(1e7)).to.have.length.within(3, 5);
  });

  it('of steps that never ran is none', () => {
    expect(timeline([{ label: 'a', status: 'skipped', from: null, to: null }])).to.equal(null);
  });
});
