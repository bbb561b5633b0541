import { expect } from 'chai';
import { closeRecord, type RunRecord } from '../../src/runner/run-record.js';

describe('the record of a run', () => {
  const startedBefore = (milliseconds: number) =>
    ({ startedAt: new Date(Date.now() - milliseconds).toISOString() }) as RunRecord;

  it('takes as long as it took when the clock went back an hour meanwhile', () => {
    const record = startedBefore(-3_600_000);
    closeRecord(record, performance.now() - 2000);
    expect(record.durationSeconds).to.be.within(2, 2.2);
    expect(Date.parse(record.endedAt!) - Date.parse(record.startedAt)).to.equal(
      Math.round(1000 * record.durationSeconds!),
    );
  });

  it('counts the time that a machine slept, which its monotonic clock leaves out', () => {
    const record = startedBefore(60_000);
    closeRecord(record, performance.now() - 2000);
    expect(record.durationSeconds).to.be.within(60, 60.2);
  });
});
