import { expect } from 'chai';
import { headline } from '../../src/runner/headline.js';
import type { RunRecord } from '../../src/runner/run-record.js';

const table = (columns: string[], ...rows: (string | number)[][]) => [{ title: 'T', columns, rows }];

const cases: [string, Partial<RunRecord>, string | null][] = [
  [
    'a validation loss before that of training',
    { metrics: { 'train/loss': 1, 'validation/loss': 2 } },
    'validation/loss 2',
  ],
  ['any metric before the result', { metrics: { other: 3 }, facts: { result: { tokens: 4 } } }, 'other 3'],
  ['a number of the result', { facts: { result: { text: 'x', tokens: 4 } } }, 'tokens 4'],
  [
    'of a table what judges a model, written as text or not, of the last row',
    { tables: table(['model', 'steps', 'perplexity'], ['base', 8, '58.31'], ['tuned', 8, '49.07']) },
    'tuned perplexity 49.07',
  ],
  ['else its first number', { tables: table(['steps', 'rows'], [8, 90]) }, 'steps 8'],
  ['nothing, where a metric is no number', { metrics: { 'train/loss': 'NaN' } }, null],
];

describe('the headline of a run', () => {
  for (const [name, record, expected] of cases) {
    it(`is ${name}`, () => {
      const figure = headline({ metrics: {}, facts: {}, tables: [], ...record } as unknown as RunRecord);
      expect(figure && `${figure.name} ${figure.value}`).to.equal(expected);
    });
  }
});
