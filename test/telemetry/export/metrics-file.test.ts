import { expect } from 'chai';
import { readRows } from '../../../src/telemetry/export/metrics-file.js';
import { LoggingRun } from '../fixtures/logging-run.js';

describe('rows of metrics.jsonl', () => {
  let logged: LoggingRun;
  beforeEach(() => {
    logged = new LoggingRun();
  });
  afterEach(() => {
    logged.remove();
  });

  it('are read from where one stopped, the lines of a step as one, the last step only at the end', () => {
    logged.log(1, { a: 1 });
    logged.log(2, { a: 2 });
    logged.log(2, { b: 'NaN' });
    logged.append('torn\n{"step":3,"ti');
    const first = readRows(logged.folder, 0, false);
    expect(first.rows.map(({ step, values }) => [step, values])).to.deep.equal([[1, { a: 1 }]]);
    expect(readRows(logged.folder, first.offset, false).rows).to.deep.equal([]);
    const last = readRows(logged.folder, first.offset, true);
    expect(last.rows.map(({ step, values }) => [step, values])).to.deep.equal([[2, { a: 2, b: Number.NaN }]]);
    expect(readRows(logged.folder, last.offset, true).rows).to.deep.equal([]);
  });

  it('of a long file come in pieces, each once', () => {
    for (let step = 1; step <= 9000; step++) logged.log(step, { 'train/loss': step, other: 1 / step });
    const steps: number[] = [];
    for (let offset = 0; ; ) {
      const read = readRows(logged.folder, offset, true);
      if (read.rows.length === 0) break;
      expect(read.rows.length).to.be.lessThan(9000);
      steps.push(...read.rows.map(({ step }) => step));
      offset = read.offset;
    }
    expect(steps).to.deep.equal(Array.from({ length: 9000 }, (_, i) => i + 1));
  });
});
