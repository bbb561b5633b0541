import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { readRunRecord } from '../../src/runner/run-record.js';
import { TestProject } from './fixtures/project.js';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

describe('a stage run', () => {
  let project: TestProject;
  beforeEach(() => {
    project = new TestProject();
  });
  afterEach(() => project.remove());

  it('leaves a complete run folder', async () => {
    const { folder, record } = await project.run('train', { seed: 7, data: 'package.json' });
    expect(readRunRecord(folder)).to.deep.equal(record);
    expect(record).to.include({
      id: 'train/2026-01-31/12-00-00',
      stage: 'train',
      status: 'done',
      exitCode: 0,
      seed: 7,
    });
    expect(record.command).to.equal('./run train');
    expect(record.versions).to.include({ sluice: '0.0.1', node: process.version, commit: null });
    expect(record.facts.engine).to.equal('none');
    expect(record.facts.peakMemoryBytes).to.be.greaterThan(1e6);
    expect(record.tables).to.deep.equal([
      { title: 'Losses', columns: ['model', 'loss'], rows: [['tiny', 1]] },
    ]);
    expect(readFileSync(join(folder, '.hydra/config.yaml'), 'utf8')).to.equal('a: 1\n');
    expect(readFileSync(join(folder, '.hydra/hydra.yaml'), 'utf8')).to.equal('hydra: {}\n');
    expect(readFileSync(join(folder, '.hydra/overrides.yaml'), 'utf8')).to.equal('- a=1\n');
    expect(readFileSync(join(folder, 'run.log'), 'utf8')).to.match(
      /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\]\[train\]\[INFO\] - three steps\n$/,
    );
    expect(existsSync(join(folder, 'report.html'))).to.equal(true);
  });

  it('records inputs and outputs with hashes that standard tools give', async () => {
    const { record } = await project.run('train', { data: 'package.json' });
    expect(record.inputs).to.deep.equal([
      {
        name: 'data',
        path: '../../../../package.json',
        kind: 'file',
        sha256: sha256('{"version": "0.0.1"}'),
        bytes: 20,
      },
    ]);
    const manifest = `${sha256('a')}  a.txt\n${sha256('b')}  b.txt\n`;
    expect(record.outputs).to.deep.equal([
      { name: 'weights', path: 'weights.txt', kind: 'file', sha256: sha256('weights'), bytes: 7 },
      {
        name: 'model',
        path: 'model',
        kind: 'folder',
        sha256: sha256(manifest),
        bytes: 2,
        files: [
          { path: 'a.txt', sha256: sha256('a'), bytes: 1 },
          { path: 'b.txt', sha256: sha256('b'), bytes: 1 },
        ],
      },
    ]);
  });

  it('writes one metrics line per logged step, with numbers JSON lacks by name', async () => {
    const { folder } = await project.run('train');
    const lines = readFileSync(join(folder, 'metrics.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ time: _, ...rest }) => rest)).to.deep.equal([
      { step: 1, 'train/loss': 3, 'train/bad': 'NaN' },
      { step: 2, 'train/loss': 2, 'train/bad': 'NaN' },
      { step: 3, 'train/loss': 1, 'train/bad': 'NaN' },
    ]);
  });

  const failures = [
    { stage: 'refuse', code: 'data.no_rows', message: /^the pool is empty$/, where: 'rows.jsonl:1' },
    { stage: 'stumble', code: 'unexpected', message: /undefined/, where: undefined },
    {
      stage: 'crash',
      code: 'stage.crashed',
      message: /ended by SIGSEGV without a result.*\nengine: about to fall$/s,
      where: undefined,
    },
    {
      stage: 'forget',
      code: 'run.artifact_missing',
      message: /^weights: a stage recorded a file or folder that is not there$/,
      where: /never-written/,
    },
  ];
  for (const { stage, code, message, where } of failures) {
    it(`that fails (${stage}) is a record with its error, not an exception`, async () => {
      const { folder, record } = await project.run(stage);
      expect(record).to.include({ status: 'failed', exitCode: 1 });
      expect(record.error!.code).to.equal(code);
      expect(record.error!.message).to.match(message);
      if (typeof where === 'string') expect(record.error!.where).to.equal(where);
      else if (where) expect(record.error!.where).to.match(where);
      expect(readRunRecord(folder).status).to.equal('failed');
      expect(readFileSync(join(folder, 'run.log'), 'utf8')).to.contain(record.error!.message.split('\n')[0]);
    });
  }

  it('that is interrupted writes its checkpoint and exits 130', async () => {
    const running = project.run('wait');
    await project.shown.seen('waiting');
    project.interrupt.request();
    const { folder, record } = await running;
    expect(record).to.include({ status: 'interrupted', exitCode: 130 });
    expect(record.error).to.deep.equal({
      code: 'interrupted',
      message: 'stopped at step 7',
      hint: 'resume from checkpoint',
    });
    expect(readFileSync(join(folder, 'checkpoint'), 'utf8')).to.equal('here');
  });

  it('that does not end at the first interrupt is killed by the second', async () => {
    const running = project.run('stubborn');
    await project.shown.seen('deaf');
    project.interrupt.request();
    project.interrupt.request();
    const { record } = await running;
    expect(record).to.include({ status: 'interrupted', exitCode: 130 });
    expect(record.error!.message).to.equal('stubborn was killed before it could write a checkpoint');
  });

  it('never shares a folder with a run of the same second', async () => {
    const runs = await Promise.all(Array.from({ length: 4 }, () => project.run('answer')));
    const names = runs.map(({ folder }) => folder.slice(folder.lastIndexOf('/') + 1)).sort();
    expect(names).to.deep.equal(['12-00-00', '12-00-00-2', '12-00-00-3', '12-00-00-4']);
  });
});
