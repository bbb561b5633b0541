import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { SluiceError } from '../../src/errors.js';
import { writeReport } from '../../src/report/index.js';
import { demoPipeline } from './fixture/demo-pipeline.js';
import {
  jsonl,
  removeTemporaryFolders,
  runFolder,
  safetensors,
  selectionFiles,
  temporaryFolder,
  trainingMetrics,
} from './fixture/run-folders.js';
import { firstFlaw } from './fixture/well-formed.js';

const HOSTILE = '</script><script>alert("x")</script><img src=x onerror=alert(1)>\'"&';

describe('report of a run', () => {
  after(removeTemporaryFolders);

  it('is one well-formed file beside run.json that fetches nothing', async () => {
    const folder = await runFolder(
      await temporaryFolder(),
      {},
      { 'metrics.jsonl': trainingMetrics(100, 8, 4) },
    );
    const path = await writeReport(folder);
    const page = await readFile(path, 'utf8');
    expect(path).to.equal(join(folder, 'report.html'));
    expect(firstFlaw(page)).to.equal(null);
    expect(page).to.not.match(/(src|href)="(?!\.\/)|@import|url\(|https?:/);
  });

  it('shows status, command, seed, times, versions and facts', async () => {
    const page = await reportOf({});
    for (const text of [
      'done',
      '49 s',
      './run stage_1 training.learning_rate=5e-5',
      '>42<',
      'v20.20.2',
      'onednn 2.6.3',
    ]) {
      expect(page).to.include(text);
    }
  });

  it('shows an error with its place and hint, and opens the log', async () => {
    const error = {
      code: 'data.not_utf8',
      message: 'line is not UTF-8',
      where: 'rows.jsonl:17',
      hint: 'convert it',
    };
    const page = await reportOf(
      { status: 'failed', exitCode: 1, error },
      { 'run.log': 'one\n\u001b[31mtwo\u001b[0m\n' },
    );
    for (const text of [error.code, error.message, error.where, error.hint, 'status-failed'])
      expect(page).to.include(text);
    expect(page).to.match(
      /<details open><summary>End of the log<\/summary><pre class="wrap">one\ntwo<\/pre>/,
    );
  });

  it('draws train and validation of one measure into one card', async () => {
    const page = await reportOf({}, { 'metrics.jsonl': trainingMetrics(100, 8, 4) });
    const titles = [...page.matchAll(/chart-title">([^<]*)/g)].map((match) => match[1]);
    expect(titles).to.deep.equal([
      'loss',
      'perplexity',
      'learning_rate',
      'gradient_norm',
      'tokens_per_second',
      'mfu',
    ]);
    const [loss] = [...page.matchAll(/class="chart-data">(.*)<\/script>/g)].map((match) =>
      JSON.parse(match[1]!),
    );
    expect(
      loss.map((one: { label: string; steps: number[] }) => [one.label, one.steps.length]),
    ).to.deep.equal([
      ['train', 100],
      ['validation', 10],
    ]);
  });

  it('names a measure that never was a number rather than hiding it', async () => {
    const page = await reportOf({}, { 'metrics.jsonl': '{"step":1,"train/loss":2,"train/bad":"NaN"}\n' });
    expect(page).to.include('never a finite number: train/bad');
    expect(page.match(/data-chart/g)).to.have.length(1 + 1); // the card, and the script that looks for it
  });

  it('counts what a selection kept, by defect and against a random choice', async () => {
    const row = (id: number, kept: boolean, quality: number, defect?: string) => ({
      id: `r${id}`,
      dataset: 'd',
      score: id / 10,
      kept,
      quality,
      defect,
    });
    const rows = [
      row(1, false, 0, 'shuffled'),
      row(2, false, 0, 'shuffled'),
      row(3, false, 1),
      row(4, true, 0, 'shuffled'),
    ];
    const more = [row(5, true, 1), row(6, true, 1), row(7, false, 1), row(8, true, 1)];
    const page = await reportOf({}, { 'scores.jsonl': jsonl([...rows, ...more]) });
    expect(page).to.include('4 of 8 rows kept (50.0 %), score ≥ 0.4');
    expect(page).to.include('33.3 % of 3');
    expect(page).to.include('60.0 % of 5');
    expect(page).to.include('Dirt in what was kept: 25.0 %; a random choice would hold 37.5 %.');
  });

  it('averages the gate of each layer over kept and over dropped rows', async () => {
    const rows = [true, false, false].map((kept, index) => ({
      id: `${index}`,
      dataset: 'd',
      score: 0.5,
      kept,
    }));
    const gates = safetensors('quality_score', [3, 2], Float32Array.of(0.75, 0.5, 0.25, 0.125, 0.5, 0.375));
    const files = { 'scores.jsonl': jsonl(rows), 'router_data/router_data.safetensors': gates };
    const page = await reportOf({}, files);
    expect([...page.matchAll(/bar-text">([\d.]+)</g)].map((match) => match[1])).to.deep.equal([
      ...['0.7500', '0.3750'],
      ...['0.5000', '0.2500'],
    ]);
    const damaged = await reportOf(
      {},
      { ...files, 'router_data/router_data.safetensors': gates.subarray(0, 40) },
    );
    expect(damaged).to.include('1 of 3 rows kept').and.not.include('Mean gate');
  });

  it('shows rows that were kept and dropped, and the mean gate of each layer', async () => {
    const page = await reportOf({}, selectionFiles(60));
    expect(page).to.match(/Kept, best first[\s\S]*sotu-\d+[\s\S]*Dropped, worst first[\s\S]*wrong script/);
    expect(page).to.include('layer 3');
    expect(firstFlaw(page)).to.equal(null);
  });

  it('sets numbers right, also those with an error or a unit, and words left', async () => {
    const rows = [
      ['base', '58.31', '11.2 ± 1.4 %', '1e-4', 7, '–'],
      ['tuned', '49.07', '', '', '', '3.5 %'],
    ];
    const page = await reportOf({ tables: [{ title: 'T', columns: ['a', 'b', 'c', 'd', 'e', 'f'], rows }] });
    const classes = [...page.matchAll(/<th scope="col"( class="number")?>([a-f])</g)].map((match) => [
      match[2],
      !!match[1],
    ]);
    expect(classes).to.deep.equal([
      ['a', false],
      ['b', true],
      ['c', true],
      ['d', true],
      ['e', true],
      ['f', true],
    ]);
  });

  it('draws what each program holds over its ops, the largest first, and names the op that needs most', async () => {
    const program = (name: string, bytes: number[]) => ({
      ...{ name, ops: 5, arena_bytes: 1024 * Math.max(...bytes), flops: 1 },
      held: { stretch: 2, bytes: bytes.map((one) => 1024 * one) },
      peak_op: { index: 3, op: 'matmul', scope: 'layers.3.mlp' },
    });
    const programs = [
      program('small', [1, 2, 1]),
      program('large', [10, 100, 50]),
      { ops: 3, arena_bytes: 9 },
    ];
    const page = await reportOf({}, { 'plan.json': { programs } });
    expect(firstFlaw(page)).to.equal(null);
    const titles = [...page.matchAll(/Intermediates over the program: (\w+)/g)].map((match) => match[1]);
    expect(new Set(titles)).to.deep.equal(new Set(['large', 'small']));
    expect(page).to.include('at most <b>100 KiB</b>').and.include('op 3: matmul layers.3.mlp');
    // three stretches of two ops; the last has one
    expect(page).to.match(/class="area" d="M0,1000V[\d.]+H400\.0V[\d.]+H800\.0V[\d.]+H1000\.0V1000Z"/);
    const damaged = await reportOf(
      {},
      { 'plan.json': { programs: [{ ...programs[0], held: { stretch: 0, bytes: ['x'] } }] } },
    );
    expect(damaged).to.not.include('Intermediates');
  });

  it('links the run that it goes on from, and names the step', async () => {
    const outputs = await temporaryFolder();
    const earlier = await runFolder(join(outputs, 'pretrain/day/one'), {}, { 'report.html': '' });
    const later = await runFolder(join(outputs, 'pretrain/day/two'), {
      facts: {
        resumed_from: join(earlier, 'checkpoints/step_1055'),
        stopped_early: { step: 1200, metric: 'validation/loss' },
      },
    });
    const page = await readFile(await writeReport(later), 'utf8');
    expect(firstFlaw(page)).to.equal(null);
    expect(page).to.match(
      /goes on from <span class="mono"><a href=".\/..\/one\/report.html">pretrain\/day\/one<\/a><\/span>, step 1,055/,
    );
    expect(page).to.include('after step 1,200, by validation/loss');
    await rm(earlier, { recursive: true });
    const alone = await readFile(await writeReport(later), 'utf8');
    expect(alone).to.include('goes on from <span class="mono">pretrain/day/one</span>');
  });

  it('says what set each value, and of overrides what they replaced', async () => {
    const eps = { path: 'optim.eps', value: '1.0e-07', where: 'override optim.eps=1e-7' };
    const origins = [
      { path: 'seed', value: '42', where: 'configs/base.yaml:5:7', replaced: [] },
      { ...eps, replaced: [{ value: '1.0e-08', where: 'configs/optim/adamw.yaml:7:6' }] },
      { path: 'rates[1]', value: '2', where: 'override rates=[1,2]', replaced: [] },
    ];
    const page = await reportOf(
      {},
      {
        'origins.jsonl': jsonl(origins),
        '.hydra/overrides.yaml': '- optim=adamw\n- optim.eps=1e-7\n- rates=[1,2]\n',
      },
    );
    expect(firstFlaw(page)).to.equal(null);
    expect(page).to.include('<summary>Overrides <small>2 of 3 values</small></summary>');
    expect(page).to.include('override, was <b>1.0e-08</b> (configs/optim/adamw.yaml:7:6)');
    expect(page)
      .to.include('<small>override rates=[1,2]</small>')
      .and.include('<small>configs/base.yaml:5:7</small>');
    expect(page).to.include('and <span class="mono">optim=adamw</span>');
  });

  it('compares planned memory with what the process took', async () => {
    const plan = {
      programs: [{ name: 'step', ops: 9, arena_bytes: 2048, flops: 3e9 }],
      state_bytes: 1024,
      arena_bytes: 2048,
    };
    const page = await reportOf(
      { facts: { peakMemoryBytes: 4096 } },
      { 'plan.json': { ...plan, planned_bytes: 3072 } },
    );
    for (const text of ['3.0 KiB', '4.0 KiB', '3.00 G', 'width:25.00%', 'width:100.00%'])
      expect(page).to.include(text);
  });

  it('escapes whatever a run, a row or a config says', async () => {
    const record = {
      stage: HOSTILE,
      status: HOSTILE,
      id: HOSTILE,
      command: HOSTILE,
      versions: { [HOSTILE]: HOSTILE },
      facts: { short: HOSTILE.slice(0, 40), long: [HOSTILE] },
      tables: [{ title: HOSTILE, columns: [HOSTILE], rows: [[HOSTILE]] }],
      inputs: [{ name: HOSTILE, path: HOSTILE, sha256: HOSTILE }],
      error: { code: HOSTILE, message: HOSTILE, where: HOSTILE, hint: HOSTILE },
    };
    const row = { id: HOSTILE, dataset: HOSTILE, score: 0.5, kept: true, quality: 0, defect: HOSTILE };
    const page = await reportOf(record, {
      '.hydra/config.yaml': HOSTILE,
      '.hydra/overrides.yaml': HOSTILE,
      '.hydra/hydra.yaml': HOSTILE,
      'run.log': HOSTILE,
      'origins.jsonl': jsonl([
        { path: HOSTILE, value: HOSTILE, where: HOSTILE, replaced: [{ where: HOSTILE }] },
      ]),
      'metrics.jsonl': jsonl([{ step: 1, [HOSTILE]: 1, [`a/${HOSTILE}`]: 2 }]),
      'plan.json': { programs: [{ name: HOSTILE }] },
      'scores.jsonl': jsonl([row, { ...row, id: 'other' }]),
      'selected_data.jsonl': jsonl([{ ...row, messages: [{ role: HOSTILE, content: HOSTILE }, null] }]),
    });
    expect(firstFlaw(page)).to.equal(null);
    expect(page).to.not.include('<img');
    expect(page).to.not.include('alert("x")');
    // The page's own script, and one block of data per chart.
    expect(page.match(/<script/g)).to.have.length(1 + page.match(/class="chart-data"/g)!.length);
  });

  it('is the same to the byte when written again', async () => {
    const folder = await runFolder(await temporaryFolder(), {}, selectionFiles(30));
    const first = await readFile(await writeReport(folder));
    const second = await readFile(await writeReport(folder));
    expect(second.equals(first)).to.equal(true);
  });

  it('of a run that died at once needs no more than stage and status', async () => {
    const page = await reportOf({
      startedAt: undefined,
      endedAt: null,
      durationSeconds: null,
      seed: null,
      status: 'running',
    });
    expect(firstFlaw(page)).to.equal(null);
    expect(page.slice(page.indexOf('<main>'), page.indexOf('</main>'))).to.not.match(/undefined|NaN|null/);
  });

  it('of a folder without run.json is refused with the path', async () => {
    const folder = await temporaryFolder();
    const error = await writeReport(folder).then(
      () => null,
      (cause: unknown) => cause,
    );
    expect(error).to.be.instanceOf(SluiceError);
    expect((error as SluiceError).code).to.equal('report.not_a_run');
    expect((error as SluiceError).where).to.equal(join(folder, 'run.json'));
  });

  async function reportOf(record: object, files = {}): Promise<string> {
    return await readFile(await writeReport(await runFolder(await temporaryFolder(), record, files)), 'utf8');
  }
});

describe('report of a pipeline', () => {
  after(removeTemporaryFolders);

  it('puts the final table first, then the steps, then their losses and the selection', async () => {
    const page = await readFile(await writeReport(await demoPipeline(await temporaryFolder())), 'utf8');
    expect(firstFlaw(page)).to.equal(null);
    const order = [
      'Base, random and selected',
      '<h2>Steps ',
      'Loss of each training step',
      'rows kept',
      'Full config',
    ];
    const places = order.map((text) => page.indexOf(text));
    expect(places).to.deep.equal([...places].sort((left, right) => left - right));
    expect(places[0]).to.be.greaterThan(0);
  });

  it('links each step to its own report by a relative path that exists', async () => {
    const folder = await demoPipeline(await temporaryFolder());
    const page = await readFile(await writeReport(folder), 'utf8');
    const links = [...page.matchAll(/href="(\.\/[^"]*report\.html)"/g)].map((match) => match[1]!);
    expect(links).to.have.length(7);
    for (const link of links)
      expect((await stat(join(folder, link, '..', 'run.json'))).isFile()).to.equal(true);
  });

  it('draws a loss and its lm_loss once where they are the same, and both where a penalty parts them', async () => {
    const outputs = await temporaryFolder();
    const steps = await Promise.all(
      [0, 0.5].map(async (penalty, index) => {
        const metrics = [1, 2].map((step) => ({ step, 'train/loss': step + penalty, 'train/lm_loss': step }));
        await runFolder(join(outputs, `step${index}`), {}, { 'metrics.jsonl': jsonl(metrics) });
        return { name: `step${index}`, stage: 'pretrain', status: 'done', folder: `../step${index}` };
      }),
    );
    const folder = await runFolder(join(outputs, 'whole'), { steps });
    const page = await readFile(await writeReport(folder), 'utf8');
    const labels = [...page.matchAll(/class="chart-data">(.*)<\/script>/g)].map((match) =>
      JSON.parse(match[1]!).map((one: { label: string }) => one.label),
    );
    expect(labels).to.deep.equal([['train'], ['train', 'train lm_loss']]);
  });

  it('draws a wire from each used output to every step that was given it', async () => {
    const page = await readFile(await writeReport(await demoPipeline(await temporaryFolder())), 'utf8');
    const wires = [...page.matchAll(/<g class="wire[^"]*"><title>([^<]*)/g)].map((match) => match[1]);
    expect(wires).to.include('prepare: tokenizer to pretrain_base');
    expect(wires).to.include('pretrain_base: weights to stage_1, stage_2, stage_3, stage_3_random, stage_4');
    expect(wires).to.have.length(13);
  });

  it('shows a step whose folder was deleted, or that never ran, without a link', async () => {
    const outputs = await temporaryFolder();
    const folder = await demoPipeline(outputs);
    await rm(join(outputs, 'stage_4_evaluate'), { recursive: true });
    const page = await readFile(await writeReport(folder), 'utf8');
    expect(page).to.match(/<td class="path">stage_4<\/td>/);
    expect(page).to.not.include('Base, random and selected');
  });
});
