import { expect } from 'chai';
import { holdOut } from '../../src/data/hold-out.js';
import { SluiceError } from '../../src/errors.js';

const rows = Array.from({ length: 50 }, (_, i) => ({
  dataset: i % 5 === 0 ? 'small' : 'large',
  id: `r${i}`,
  messages: [],
  where: `rows.jsonl:${i + 1}`,
}));

describe('rows held out', () => {
  it('and those left are all rows, each once, in file order, with the share of every dataset', () => {
    const [training, held] = (['training', 'held-out'] as const).map((part) =>
      holdOut(rows, { ratio: 0.2, seed: 3, part }),
    );
    expect(held!.map(({ dataset }) => dataset).sort()).to.deep.equal([
      ...Array(8).fill('large'),
      ...Array(2).fill('small'),
    ]);
    const order = (id: string) => Number(id.slice(1));
    for (const part of [training!, held!]) {
      const places = part.map(({ id }) => order(id));
      expect(places).to.deep.equal([...places].sort((a, b) => a - b));
    }
    expect([...training!, ...held!]).to.have.members(rows);
    expect(holdOut(rows, { ratio: 0.2, seed: 4, part: 'held-out' })).not.to.deep.equal(held);
  });

  it('are refused where a part would have none', () => {
    expect(() => holdOut(rows.slice(0, 3), { ratio: 0.1, seed: 3, part: 'training' }))
      .to.throw(SluiceError, 'a share of 0.1 holds out 0 of 3 rows')
      .with.property('code', 'data.too_few_rows');
  });
});
