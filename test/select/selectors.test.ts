import { expect } from 'chai';
import { instantiate } from '../../src/config/index.js';
import type { Sample } from '../../src/data/index.js';
import { SluiceError } from '../../src/errors.js';
import type { ScoredPool, Selector } from '../../src/select/index.js';
import { registriesWith } from '../../stages/registries.js';

const score = [0.1, 0.9, 0.5, 0.5, 0.2, 0.8, 0.3, 0.7];
const pool: ScoredPool = {
  samples: score.map((_, index) => ({ dataset: index < 2 ? 'small' : 'large' }) as Sample),
  scores: {
    score: Float64Array.from(score),
    layers: Float32Array.from(score),
    moeLogits: Float32Array.from(score),
    layerCount: 1,
    expertCount: 1,
  },
  seed: 7,
};

const { selectors } = registriesWith({});
const kept = async (node: object) => (await instantiate<unknown, Selector>(node, selectors))(pool);

describe('selectors', () => {
  const rows: [node: object, expected: number[]][] = [
    [{ _target_: 'top_percentage', percentage: 0.5 }, [1, 5, 7, 2]],
    [{ _target_: 'top_per_dataset', percentage: 0.5 }, [1, 5, 7, 2]],
    [{ _target_: 'top_per_dataset', percentage: 0.34 }, [5, 7]],
    [{ _target_: 'threshold', minimum: 0.5 }, [1, 5, 7, 2, 3]],
  ];
  for (const [node, expected] of rows) {
    it(`keep rows ${expected} for ${JSON.stringify(node)}`, async () => {
      expect(await kept(node)).to.deep.equal(expected);
    });
  }

  it('draw rows by seed, none twice, whatever their scores', async () => {
    const draw = (seed?: number) =>
      kept({ _target_: 'random', percentage: 0.5, ...(seed === undefined ? {} : { seed }) });
    const drawn = await draw(1);
    expect(new Set(drawn)).to.have.property('size', 4);
    expect(await draw(1)).to.deep.equal(drawn);
    expect(await draw(2)).not.to.deep.equal(drawn);
    expect(await draw(), "the run's seed").to.deep.equal(await draw(7));
  });

  for (const [node, hint] of [
    [{ _target_: 'threshold', minimum: 0.95 }, 'the highest score is 0.9000'],
    [{ _target_: 'top_per_dataset', percentage: 0.1 }, 'use a larger one, or selector=top_percentage'],
    [{ _target_: 'top_percentage', percentage: 0.1 }, 'use at least 0.125, or a larger pool'],
    [{ _target_: 'random', percentage: 0.1 }, 'use at least 0.125, or a larger pool'],
  ] as const) {
    it(`refuse to keep nothing: ${JSON.stringify(node)}`, async () => {
      const error = await kept(node).catch((thrown: SluiceError) => thrown);
      expect(error).to.be.instanceOf(SluiceError).and.include({ code: 'data.nothing_selected', hint });
    });
  }
});
