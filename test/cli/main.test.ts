import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { main } from '../../src/cli/main.js';
import { History } from '../../src/runner/history.js';
import { readRunRecord } from '../../src/runner/run-record.js';
import { commandLineProject } from '../runner/fixtures/command-line.js';
import { Lines } from '../runner/fixtures/lines.js';

describe('the command line', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'sluice-cli-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  async function run(...argv: string[]) {
    const [stdout, stderr] = [new Lines(), new Lines()];
    const code = await main(argv, commandLineProject(root, stdout, stderr));
    return { code, out: stdout.text, err: stderr.text };
  }
  const lastRun = () => new History(root).list().at(-1)!;
  const folderOf = (id: string) => join(root, 'outputs', id);

  it('lists the stages with one line each', async () => {
    const { code, out } = await run('stages');
    expect(code).to.equal(0);
    expect(out).to.match(/^ {2}train +The stage that does train {2}\(stage_0\)$/m);
  });

  it('prints the composed config of a stage and nothing else', async () => {
    expect(await run('train', 'data=x.txt', '--cfg', 'job')).to.deep.equal({
      code: 0,
      out: 'seed: 7\ndata: x.txt\n',
      err: '',
    });
    expect(existsSync(join(root, 'outputs'))).to.equal(false);
  });

  it('runs a stage by its alias, prints its table and where the report is', async () => {
    const { code, out, err } = await run('stage_0', 'seed=9');
    expect(code).to.equal(0);
    const { id } = lastRun();
    expect(id).to.match(/^train\/\d{4}-\d\d-\d\d\/\d\d-\d\d-\d\d$/);
    expect(out).to.equal(
      `\nLosses\nmodel  loss\n─────  ────\ntiny      1\n\nreport: ${join(folderOf(id), 'report.html')}\n`,
    );
    expect(err).to.match(
      /^\[train\] started in outputs\/train.*\[train\] train 3\/3 {2}loss 1\.000 {2}1\.23k tok\/s.*done after/s,
    );
    expect(readRunRecord(folderOf(id))).to.include({ seed: 9, command: './run stage_0 seed=9' });
    expect(readdirSync(folderOf(id)).sort()).to.deep.equal([
      '.hydra',
      'metrics.jsonl',
      'model',
      'origins.jsonl',
      'report.html',
      'run.json',
      'run.log',
      'weights.txt',
    ]);
  });

  it('prints one JSON object with --log json: the result of a stage that has one', async () => {
    const { out } = await run('answer', '--log', 'json');
    expect(JSON.parse(out)).to.deep.equal({ text: 'forty-two', tokens_per_second: 42 });
  });

  it('prints one JSON object with --log json: a summary otherwise, and events on standard error', async () => {
    const { out, err } = await run('train', '--log', 'json');
    const summary = JSON.parse(out);
    expect(summary).to.include({ stage: 'train', status: 'done', exitCode: 0 });
    expect(summary.outputs.weights).to.equal(join(summary.folder, 'weights.txt'));
    const events = err
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.map(({ type }) => type)).to.include.members([
      'started',
      'log',
      'progress',
      'metrics',
      'table',
      'ended',
    ]);
  });

  it('prints the plan of a stage and leaves no run behind', async () => {
    expect(await run('train', '--plan')).to.deep.equal({ code: 0, out: 'planned_bytes 128\n', err: '' });
    expect(existsSync(join(root, 'outputs'))).to.equal(false);
    const { code, err } = await run('answer', '--plan');
    expect(code).to.equal(2);
    expect(err).to.contain('error: answer cannot be planned ahead\n');
  });

  it('tells a failure with place and way out, and ends with its exit code', async () => {
    const { code, err } = await run('refuse');
    expect(code).to.equal(1);
    expect(err).to.contain('error: the pool is empty\n  at:   rows.jsonl:1\n  hint: give it rows\n');
  });

  it('runs a pipeline of configs/experiment by its name', async () => {
    const { code, out } = await run('tour', 'seed=5');
    expect(code).to.equal(0);
    const { id } = new History(root).list().find(({ stage }) => stage === 'tour')!;
    const record = readRunRecord(folderOf(id));
    expect(record).to.include({ stage: 'tour', status: 'done', seed: 5 });
    expect(record.steps!.map(({ name, status }) => [name, status])).to.deep.equal([
      ['base', 'done'],
      ['copy', 'done'],
    ]);
    expect(readRunRecord(join(folderOf(id), record.steps![0]!.folder!)).seed).to.equal(5);
    expect(out).to.contain(`report: ${join(folderOf(id), 'report.html')}`);
    expect(existsSync(join(folderOf(id), 'report.html'))).to.equal(true);
  });

  it('refuses a pipeline with a wrong key in a late step before anything runs', async () => {
    const { code, err } = await run('pipeline', 'experiment/broken');
    expect(code).to.equal(2);
    expect(err).to.contain('dota').and.to.contain('step copy');
    expect(existsSync(join(root, 'outputs'))).to.equal(false);
  });

  it('finds the output of a run whose folder lies outside the project', async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'sluice-elsewhere-'));
    try {
      await run('train', `hydra.run.dir=${elsewhere}/runs/0`);
      const { out } = await run('copy', 'data=${run:train,weights}', '--cfg', 'job', '--resolve');
      const [, path] = /^data: (.*)$/m.exec(out)!;
      expect(resolve(root, path!)).to.equal(join(elsewhere, 'runs/0/weights.txt'));
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });

  const refused: [string[], RegExp][] = [
    [['stage_9'], /^error: there is no stage, pipeline or command stage_9\n {2}hint: did you mean stage_0\?/],
    [['pipeline'], /^error: which pipeline\?/],
    [['train', 'dataa=1'], /dataa/],
    [['train', 'data=1'], /data/],
    [['train', 'data=[1'], /data=\[1/],
    [['copy', 'data=${run:train}'], /no finished run of train/],
    [['tour', '+max_paralel=2'], /max_paralel: nothing reads this key(.|\n)*did you mean max_parallel\?/],
    [['tour', '--from', 'bass'], /--from bass: the pipeline has no such step\n {2}hint: did you mean base\?/],
    [['tour', '--force', '--only', 'copy'], /only one of --force, --from and --only/],
    [['tour', '--only', 'copy'], /there is no earlier run to take for\n {2}base: its stage was never run/],
    [['train', '--force'], /--force is about the steps of a pipeline/],
    [['runs', 'away'], /runs does not know away/],
  ];
  for (const [argv, message] of refused) {
    it(`refuses \`${argv.join(' ')}\` with exit code 2 before it makes a folder`, async () => {
      const { code, out, err } = await run(...argv);
      expect([code, out]).to.deep.equal([2, '']);
      expect(err).to.match(message);
      expect(existsSync(join(root, 'outputs'))).to.equal(false);
    });
  }

  it('hands a later stage the output of the latest good run', async () => {
    await run('train');
    const { code } = await run('copy', 'data=${run:stage_0,weights}');
    expect(code).to.equal(0);
    expect(readRunRecord(folderOf(lastRun().id)).inputs[0]!.path).to.match(/train.*weights\.txt$/);
  });
});
