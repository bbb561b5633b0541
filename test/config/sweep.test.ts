import { expect } from 'chai';
import { composeBatch, planSweep } from '../../src/config/index.js';
import { failureOf, withFiles } from './fixture.js';

const FILES = {
  'config.yaml': 'defaults:\n  - db: mysql\n  - _self_\nlr: 0.1\nn: 1\n',
  'db/mysql.yaml': 'port: 1\n',
  'db/pgsql.yaml': 'port: 2\n',
};

/** Runs a sweep to its end; `score` is what each job reaches. */
function sweep(
  overrides: string[],
  score: (config: Record<string, unknown>) => number | undefined = () => undefined,
) {
  return withFiles(FILES, (folder) => {
    const plan = planSweep({ configDirs: [folder], configName: 'config', cwd: folder, overrides });
    const batches: string[][][] = [];
    const jobs: ReturnType<typeof composeBatch> = [];
    for (let batch = plan.sweeper.ask(); batch !== undefined; batch = plan.sweeper.ask()) {
      const composed = composeBatch(plan, jobs.length, batch);
      plan.sweeper.tell(composed.map((job) => score(job.composed.config())));
      jobs.push(...composed);
      batches.push(batch);
    }
    return { plan, batches, jobs, directory: plan.directory };
  });
}

describe('the basic sweeper', () => {
  const rows: [rule: string, overrides: string[], jobs: string[]][] = [
    [
      'is a product with the last override fastest',
      ['lr=1,2', 'n=3,4'],
      ['lr=1 n=3', 'lr=1 n=4', 'lr=2 n=3', 'lr=2 n=4'],
    ],
    ['sweeps over options by pattern', ['db=glob(*,exclude=my*)'], ['db=pgsql']],
    ['keeps single values in place', ['n=7', 'lr=1,2'], ['n=7 lr=1', 'n=7 lr=2']],
    [
      'prints floats and quotes',
      ['lr=range(0,1,0.5)', "+t='a b',c"],
      ["lr=0.0 +t='a b'", 'lr=0.0 +t=c', "lr=0.5 +t='a b'", 'lr=0.5 +t=c'],
    ],
    ['lets a later override replace an earlier one', ['lr=1,2', 'n=3', 'lr=5'], ['lr=5 n=3']],
    ['keeps a deletion a deletion', ['~n', 'lr=1,2'], ['~n lr=1', '~n lr=2']],
    [
      'takes hydra.sweeper.params first',
      ['n=8', '+hydra.sweeper.params={lr:"1,2"}'],
      ['lr=1 n=8', 'lr=2 n=8'],
    ],
    ['is one job without sweeps', [], ['']],
  ];
  for (const [rule, overrides, jobs] of rows) {
    it(rule, () => {
      expect(sweep(overrides).jobs.map((job) => job.overrides.join(' '))).to.deep.equal(jobs);
    });
  }

  it('cuts batches', () => {
    const { batches } = sweep(['lr=1,2,3', 'hydra.sweeper.max_batch_size=2']);
    expect(batches.map((batch) => batch.length)).to.deep.equal([2, 1]);
  });

  it('composes each job with its number and folder', () => {
    const overrides = [
      'lr=1,2',
      'hydra.sweep.dir=out',
      'hydra.sweep.subdir=${hydra.job.num}_${hydra.job.override_dirname}',
    ];
    const { jobs, directory } = sweep(overrides);
    expect(directory).to.equal('out');
    expect(jobs.map((job) => job.subdirectory)).to.deep.equal(['0_lr=1', '1_lr=2']);
    expect(jobs[1]!.composed.config()).to.include({ lr: 2 });
    expect(jobs[1]!.composed.value('hydra.job.num')).to.equal(1);
  });

  it('finds the mistake of a later job before any runs', () => {
    expect(failureOf(() => sweep(['db=mysql,nope'])).message).to.include("Could not find 'db/nope'");
  });

  const refused: [overrides: string[], message: RegExp][] = [
    [['lr=interval(0,1)'], /does not support sweep type : INTERVAL_SWEEP/],
    [['hydra.job.name=a,b'], /Sweeping over Hydra's configuration is not supported/],
    [['lr=range(0,1000)', 'n=range(0,1000)'], /more than 100000 jobs/],
    [['hydra.sweeper.max_batch_size=0'], /must be at least 1/],
    [['hydra.sweeper._target_=nope'], /there is no sweeper 'nope'/],
  ];
  for (const [overrides, message] of refused) {
    it(`refuses ${overrides.join(' ')}`, () => {
      expect(failureOf(() => sweep(overrides)).message).to.match(message);
    });
  }
});

describe('the random sweeper', () => {
  const search = [
    'hydra/sweeper=random',
    'hydra.sweeper.n_trials=200',
    'lr=tag(log,interval(1e-5,1e-1))',
    'n=int(interval(1,4))',
    'db=mysql,pgsql',
  ];

  it('draws the same jobs for the same seed, and others for another', () => {
    const drawn = (seed: number) =>
      sweep([...search, `hydra.sweeper.seed=${seed}`]).jobs.map((job) => job.overrides.join(' '));
    expect(drawn(1)).to.deep.equal(drawn(1));
    expect(drawn(1)).not.to.deep.equal(drawn(2));
  });

  it('covers its space evenly, in the exponent where the log is asked for', () => {
    const configs = sweep(search).jobs.map(
      (job) => job.composed.config() as { lr: number; n: number; db: { port: number } },
    );
    expect(configs).to.have.length(200);
    expect(configs.every(({ lr }) => lr >= 1e-5 && lr < 1e-1)).to.equal(true);
    expect([...new Set(configs.map(({ n }) => n))].sort()).to.deep.equal([1, 2, 3, 4]);
    const small = configs.filter(({ lr }) => lr < 1e-3).length;
    expect(small).to.be.within(70, 130);
    expect(configs.filter(({ db }) => db.port === 1).length).to.be.within(70, 130);
  });
});

describe('the TPE sweeper', () => {
  it('finds a better point than random search does in as many trials', () => {
    const score = (config: Record<string, unknown>): number => {
      const { lr, db } = config as { lr: number; db: { port: number } };
      return (Math.log10(lr) + 3) ** 2 + db.port;
    };
    const best = (sweeper: string, seed: number): number => {
      const overrides = [
        `hydra/sweeper=${sweeper}`,
        'hydra.sweeper.n_trials=40',
        `hydra.sweeper.seed=${seed}`,
      ];
      const { jobs } = sweep([...overrides, 'lr=tag(log,interval(1e-8,1e-1))', 'db=mysql,pgsql'], score);
      expect(jobs).to.have.length(40);
      return Math.min(...jobs.map((job) => score(job.composed.config())));
    };
    const mean = (sweeper: string) =>
      [1, 2, 3, 4].map((seed) => best(sweeper, seed)).reduce((a, b) => a + b) / 4;
    expect(mean('tpe')).to.be.below(mean('random'));
  });

  it('names the metric that it learns from', () => {
    const objective = (...overrides: string[]) => sweep([...overrides, 'lr=1']).plan.objective;
    expect(objective()).to.equal(undefined);
    expect(objective('hydra/sweeper=tpe')).to.equal('validation/loss');
    expect(objective('hydra/sweeper=tpe', 'hydra.sweeper.objective=train/loss')).to.equal('train/loss');
  });

  it('goes on when trials fail', () => {
    const overrides = [
      'hydra/sweeper=tpe',
      'hydra.sweeper.n_trials=15',
      'hydra.sweeper.n_startup_trials=3',
      'lr=interval(0,1)',
    ];
    const { jobs } = sweep(overrides, ({ lr }) => ((lr as number) > 0.5 ? undefined : (lr as number)));
    expect(jobs).to.have.length(15);
  });
});
