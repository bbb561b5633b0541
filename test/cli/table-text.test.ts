import { expect } from 'chai';
import { tablesOf, tableText } from '../../src/cli/table-text.js';
import type { RunRecord } from '../../src/runner/run-record.js';

describe('a table for a terminal', () => {
  it('puts numbers to the right, words to the left, and keeps four digits', () => {
    const text = tableText({
      title: 'Models',
      columns: ['model', 'loss', 'share', 'note'],
      rows: [
        ['base', 4.32149, '100.0 %', 'from scratch'],
        ['selected', 12, '9 %', ''],
        ['random', 1e-7, '–', '2 seeds'],
      ],
    });
    expect(text.split('\n')).to.deep.equal([
      'Models',
      'model      loss    share  note',
      '────────  ─────  ───────  ────────────',
      'base      4.321  100.0 %  from scratch',
      'selected     12      9 %',
      'random     1e-7        –  2 seeds',
    ]);
  });

  it('leaves room for cells that a row lacks', () => {
    expect(tableText({ title: 'T', columns: ['a', 'b'], rows: [['x']] })).to.equal('T\na  b\n─  ─\nx');
  });

  it('names the step that tables of a pipeline are of', () => {
    const tables = [{ title: 'T', columns: ['a'], rows: [[1]] }];
    const titles = (record: Partial<RunRecord>) => tablesOf(record as RunRecord)[0]!.split('\n')[0];
    expect([titles({ tables }), titles({ tables, tablesOf: 'base' })]).to.deep.equal(['T', 'T (base)']);
  });
});
