import { expect } from 'chai';
import { Repository } from '../../src/config/defaults/repository.js';
import { builtInSource } from '../../src/config/defaults/source.js';
import { parseOverride } from '../../src/config/index.js';
import { randomSweeper } from '../../src/config/sweep/random.js';
import type { Sweeper } from '../../src/config/sweep/sweeper.js';
import { tpeSweeper } from '../../src/config/sweep/tpe.js';

type Search = (overrides: string[], trials: number, seed: number, maxBatchSize?: number) => Sweeper;

const repository = new Repository([
  builtInSource('test', 'builtin://test', { 'db/a': { data: { x: 1 } }, 'db/b': { data: { x: 2 } } }),
]);
const random: Search = (overrides, trials, seed, maxBatchSize) =>
  randomSweeper(overrides.map(parseOverride), repository, {
    trials,
    seed,
    maxBatchSize: maxBatchSize ?? null,
  });
const tpe: Search = (overrides, trials, seed, maxBatchSize) =>
  tpeSweeper(overrides.map(parseOverride), repository, {
    trials,
    seed,
    maxBatchSize: maxBatchSize ?? null,
    minimize: true,
    startup: Math.min(10, trials),
  });

/** All jobs of a search whose jobs reach `score` of their values. */
function jobsOf(
  sweeper: Sweeper,
  score: (values: Record<string, string>) => number | undefined = () => 0,
): { texts: string[]; value: number | undefined }[] {
  const jobs: { texts: string[]; value: number | undefined }[] = [];
  for (let batch = sweeper.ask(); batch !== undefined; batch = sweeper.ask()) {
    const values = batch.map((texts) => score(Object.fromEntries(texts.map((text) => text.split('=')))));
    sweeper.tell(values);
    jobs.push(...batch.map((texts, index) => ({ texts, value: values[index] })));
  }
  return jobs;
}

const searches: [name: string, search: Search][] = [
  ['the random sweeper', random],
  ['the TPE sweeper', tpe],
];

for (const [name, search] of searches) {
  describe(name, () => {
    const texts = (overrides: string[], trials: number, seed = 0) =>
      jobsOf(search(overrides, trials, seed)).map((job) => job.texts.join(' '));
    const space = ['lr=tag(log,interval(1e-5,1e-1))', 'n=int(interval(1,4))', 'db=glob(*)', 'fixed=7'];

    it('draws the same jobs for the same seed, and others for another', () => {
      expect(texts(space, 30, 1)).to.deep.equal(texts(space, 30, 1));
      expect(texts(space, 30, 1)).not.to.deep.equal(texts(space, 30, 2));
    });

    it('proposes overrides that parse and mean one value', () => {
      for (const text of jobsOf(search([...space, 't=choice("a b","c,d")'], 30, 0)).flatMap(
        (job) => job.texts,
      )) {
        expect(parseOverride(text).valueType).to.equal('element');
      }
    });

    it('tries no point twice and ends when all were tried', () => {
      const jobs = texts(['a=1,2,3', 'b=range(0,4)', 'c=x'], 100);
      expect(jobs).to.have.length(12);
      expect(new Set(jobs).size).to.equal(12);
    });

    it('counts options of one text once', () => {
      expect(texts(['a=1,1,2'], 10).sort()).to.deep.equal(['a=1', 'a=2']);
    });

    it('is one job where nothing is swept', () => {
      expect(texts(['a=1'], 10)).to.deep.equal(['a=1']);
    });

    it('lets a later override of a key win', () => {
      expect(texts(['a=interval(0,1)', 'b=1', 'a=5'], 3)).to.deep.equal(['a=5 b=1']);
    });

    const ranges: [override: string, pattern: RegExp, low: number, high: number][] = [
      ['x=interval(0,1)', /^x=(0\.\d{1,3}|1\.0)$/, 0, 1],
      ['x=interval(-2,3)', /^x=-?\d\.\d{1,3}$/, -2, 3],
      ['x=interval(0,1e-4)', /^x=(\d(\.\d+)?e-0\d|0\.0|0\.0001)$/, 0, 1e-4],
      ['x=interval(1e6,9e6)', /^x=\d+000\.0$/, 1e6, 9e6],
      ['x=tag(log,interval(1e-5,1e-2))', /^x=(\d(\.\d\d?)?e-05|0\.0\d{2,5})$/, 1e-5, 1e-2],
      ['x=tag(log,interval(0.9,1.1))', /^x=\d\.\d{1,5}$/, 0.9, 1.1],
      ['x=int(interval(3,6))', /^x=[3-6]$/, 3, 6],
      ['x=tag(int,interval(2.5,6.5))', /^x=[3-6]$/, 3, 6],
      ['x=tag(int,log,interval(1,1000))', /^x=\d{1,4}$/, 1, 1000],
      ['x=tag(int,interval(0,1e9))', /^x=\d+$/, 0, 1e9],
      ['x=tag(int,interval(0.5,200000.5))', /^x=\d+$/, 1, 200_000],
      ['x=range(0,1,0.25)', /^x=0\.(0|25|5|75)$/, 0, 0.75],
      ['x=tag(log,range(1,100))', /^x=\d{1,2}$/, 1, 99],
    ];
    for (const [override, pattern, low, high] of ranges) {
      it(`keeps ${override} short and inside`, () => {
        for (const text of texts([override], 60)) {
          expect(text).to.match(pattern);
          expect(Number(text.slice(2))).to.be.within(low, high);
        }
      });
    }
  });
}

describe('the random sweeper', () => {
  const shareBelow = (override: string, limit: number) => {
    const values = jobsOf(random([override], 400, 0)).map(({ texts }) => Number(texts[0]!.slice(2)));
    return values.filter((value) => value < limit).length / values.length;
  };

  it('covers an interval evenly, in the exponent where the log is asked for', () => {
    expect(shareBelow('x=interval(0,10)', 5)).to.be.within(0.4, 0.6);
    expect(shareBelow('x=tag(log,interval(1e-5,1e-1))', 1e-3)).to.be.within(0.4, 0.6);
    expect(shareBelow('x=tag(int,log,interval(1e3,1e9))', 1e6)).to.be.within(0.4, 0.6);
  });

  it('composes all its jobs at once, or in batches', () => {
    expect(random(['x=interval(0,1)'], 7, 0).ask()).to.have.length(7);
    const batched = random(['x=interval(0,1)'], 7, 0, 3);
    expect(
      [batched.ask(), batched.ask(), batched.ask(), batched.ask()].map((batch) => batch?.length),
    ).to.deep.equal([3, 3, 1, undefined]);
  });
});

describe('the TPE sweeper', () => {
  const { log10 } = Math;
  const losses: [what: string, overrides: string[], loss: (values: Record<string, string>) => number][] = [
    [
      'a bowl in two dimensions',
      ['x=interval(-5,5)', 'y=interval(-5,5)'],
      ({ x, y }) => (Number(x) - 1.7) ** 2 + (Number(y) + 2.3) ** 2,
    ],
    [
      'rates over powers of ten',
      ['lr=tag(log,interval(1e-6,1e-1))', 'decay=tag(log,interval(1e-5,1))', 'beta=interval(0,1)'],
      ({ lr, decay, beta }) =>
        (log10(Number(lr)) + 3.2) ** 2 + (log10(Number(decay)) + 2) ** 2 / 2 + 2 * (Number(beta) - 0.8) ** 2,
    ],
    [
      'options, whole numbers and a range, where the best rate depends on the option',
      [
        'lr=tag(log,interval(1e-6,1e-1))',
        'optimizer=sgd,adam,lion,muon',
        'layers=int(interval(1,24))',
        'batch=range(8,129,8)',
      ],
      ({ lr, optimizer, layers, batch }) =>
        (log10(Number(lr)) + (optimizer === 'sgd' ? 1.5 : 3.2)) ** 2 +
        { sgd: 1, adam: 0.2, lion: 0.4, muon: 0 }[optimizer!]! +
        ((Number(layers) - 12) / 8) ** 2 +
        ((Number(batch) - 64) / 60) ** 2,
    ],
  ];
  for (const [what, overrides, loss] of losses) {
    it(`finds better points than random search in as many trials: ${what}`, () => {
      const seeds = Array.from({ length: 24 }, (_, seed) => seed);
      const best = (search: Search, seed: number) =>
        Math.min(...jobsOf(search(overrides, 40, seed), loss).map(({ value }) => value!));
      const [byTpe, byChance] = [tpe, random].map((search) => seeds.map((seed) => best(search, seed)));
      const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
      expect(mean(byTpe!)).to.be.below(mean(byChance!) / 2);
      expect(seeds.filter((seed) => byTpe![seed]! < byChance![seed]!).length).to.be.at.least(18);
    });
  }

  it('climbs as well as it descends', () => {
    const settings = { trials: 40, seed: 1, maxBatchSize: null, startup: 10, minimize: false };
    const sweeper = tpeSweeper([parseOverride('x=interval(0,10)')], repository, settings);
    const jobs = jobsOf(sweeper, ({ x }) => -((Number(x) - 7) ** 2));
    expect(Math.max(...jobs.map(({ value }) => value!))).to.be.above(-0.01);
  });

  it('keeps away from points that failed', () => {
    const jobs = jobsOf(tpe(['x=interval(0,1)'], 60, 0), ({ x }) =>
      Number(x) > 0.5 ? undefined : Number(x),
    );
    const failed = (part: typeof jobs) => part.filter(({ value }) => value === undefined).length;
    expect(failed(jobs.slice(30))).to.be.below(failed(jobs.slice(0, 30)));
  });

  it('asks for one job at a time, or as many as a batch holds', () => {
    expect(tpe(['x=interval(0,1)'], 7, 0).ask()).to.have.length(1);
    expect(tpe(['x=interval(0,1)'], 7, 0, 3).ask()).to.have.length(3);
  });
});
