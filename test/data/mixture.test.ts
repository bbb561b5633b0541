import { expect } from 'chai';
import { datasetOf } from '../../src/data/batch.js';
import { type Batch, cutRows, type Dataset, type Mixture, mixtureOf } from '../../src/data/index.js';
import { SluiceError } from '../../src/errors.js';

/** Rows of four tokens, each token the number of its row. */
const numbered = (rows: number, first: number, length = 4): Dataset =>
  datasetOf({
    rows,
    length,
    tokens: rows * length,
    padId: 0,
    fill(row, batch, offset) {
      batch.inputIds.fill(first + row, offset, offset + length);
      batch.segmentIds.fill(1, offset, offset + length);
    },
    describe: (chosen) => `rows ${chosen}`,
    close: () => {},
  });

const sources = (rates: [number, number, number]) => [
  { name: 'web', data: numbered(50, 100), rate: rates[0] },
  { name: 'code', data: numbered(7, 200), rate: rates[1] },
  { name: 'books', data: numbered(20, 300), rate: rates[2] },
];

const namesOf = (mixture: Mixture, batch: Batch) => batch.rows.map((row) => mixture.sourceOf(row));
const count = (names: string[], name: string) => names.filter((each) => each === name).length;

describe('a mixture', () => {
  it('has in every batch, and in any number of them, what the rates say, to two rows', () => {
    for (const rates of [
      [0.6, 0.3, 0.1],
      [5, 1, 1],
      [0, 1, 0],
      [0.05, 0.05, 0.9],
    ] as [number, number, number][]) {
      const mixture = mixtureOf(sources(rates));
      const all = rates.reduce((sum, rate) => sum + rate);
      const seen: string[] = [];
      for (let step = 0; step < 40; step += 1) {
        const names = namesOf(mixture, mixture.batch(1, step, 16));
        seen.push(...names);
        sources(rates).forEach(({ name, rate }) => {
          expect(count(names, name), `${name} of a batch`).to.be.closeTo((16 * rate) / all, 2);
          expect(count(seen, name), `${name} of all`).to.be.closeTo((seen.length * rate) / all, 2);
        });
      }
    }
  });

  it('goes through each source epoch by epoch, every row once, in an order of its own', () => {
    const mixture = mixtureOf(sources([0.5, 0.4, 0.1]));
    const seen: Record<string, number[]> = { web: [], code: [], books: [] };
    for (let step = 0; step < 30; step += 1)
      for (const row of mixture.batch(9, step, 8).rows) seen[mixture.sourceOf(row)]!.push(row);
    const epochs = Array.from({ length: 13 }, (_, epoch) => seen.code!.slice(7 * epoch, 7 * epoch + 7));
    for (const epoch of epochs) expect([...epoch].sort()).to.deep.equal([50, 51, 52, 53, 54, 55, 56]);
    expect(new Set(epochs.map(String)).size).to.be.above(10);
    expect(new Set(seen.web!.slice(0, 50)).size).to.equal(50);
  });

  it('is a pure function of seed and step, whatever was asked before', () => {
    const [a, b] = [mixtureOf(sources([3, 2, 1])), mixtureOf(sources([3, 2, 1]))];
    const later = a.batch(4, 17, 6);
    expect(later.inputIds).to.deep.equal(
      Int32Array.from(later.rows.flatMap((row) => Array(4).fill(idOf(row)))),
    );
    for (const step of [3, 99, 0]) a.batch(5, step, 6);
    expect(a.batch(4, 17, 6)).to.deep.equal(later);
    expect(b.batch(4, 17, 6)).to.deep.equal(later);
    expect(b.batch(5, 17, 6)).not.to.deep.equal(later);
  });

  it('changes its rates from phase to phase; a source goes on where it was', () => {
    const mixture = mixtureOf(sources([1, 1, 1]), [
      { firstPlace: 0, rates: [0.75, 0.25, 0] },
      { firstPlace: 40, rates: [0, 0.25, 0.75] },
    ]);
    const rows = Array.from({ length: 10 }, (_, step) => mixture.batch(2, step, 8).rows).flat();
    const names = rows.map((row) => mixture.sourceOf(row));
    expect(['web', 'code', 'books'].map((name) => count(names.slice(0, 40), name))).to.deep.equal([
      30, 10, 0,
    ]);
    expect(['web', 'code', 'books'].map((name) => count(names.slice(40), name))).to.deep.equal([0, 10, 30]);
    const code = rows.filter((row) => mixture.sourceOf(row) === 'code');
    for (const epoch of [code.slice(0, 7), code.slice(7, 14)]) expect(new Set(epoch).size).to.equal(7);
  });

  it('names source and row in messages, and counts the tokens of an epoch by its rates', () => {
    const mixture = mixtureOf(sources([1, 1, 2]));
    expect(mixture.describe([56, 3, 51])).to.equal('web: rows 3; code: rows 6,1');
    expect([mixture.rows, mixture.tokens, mixture.length]).to.deep.equal([77, 308, 4]);
  });

  it('is refused where rows differ in length', () => {
    const parts = [
      { name: 'short', data: numbered(3, 0, 4), rate: 1 },
      { name: 'long', data: numbered(3, 0, 8), rate: 1 },
    ];
    expect(() => mixtureOf(parts)).to.throw(SluiceError, 'the rows of long have 8 tokens, those of short 4');
  });
});

const idOf = (row: number) => (row < 50 ? 100 + row : row < 57 ? 150 + row : 243 + row);

describe('rows cut shorter', () => {
  it('hold the same tokens and targets; positions of a cut segment start again', () => {
    const batch: Batch = {
      batchSize: 1,
      length: 8,
      inputIds: Int32Array.of(1, 2, 3, 4, 5, 6, 7, 0),
      segmentIds: Int32Array.of(1, 1, 2, 2, 2, 2, 3, 0),
      positions: Int32Array.of(0, 1, 0, 1, 2, 3, 0, 0),
      labels: Int32Array.of(2, -100, 4, 5, 6, -100, -100, -100),
      rows: [11],
      tokens: 7,
      targets: 4,
    };
    const cut = cutRows(batch, 4);
    expect(cut).to.deep.equal({
      ...batch,
      batchSize: 2,
      length: 4,
      positions: Int32Array.of(0, 1, 0, 1, 0, 1, 0, 0),
      rows: [11, 11],
    });
  });
});
