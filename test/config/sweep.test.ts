import { expect } from 'chai';
import { composeBatch, planSweep } from '../../src/config/index.js';
import { failureOf, withFiles } from './fixture.js';

const FILES = {
  'config.yaml': 'defaults:\n  - db: mysql\n  - _self_\nlr: 0.1\nn: 1\nlist: [1, 2]\n',
  'db/mysql.yaml': 'port: 1\n',
  'db/pgsql.yaml': 'port: 2\n',
  "odd/it's é.yaml": 'x: 1\n',
  'odd/b c.yaml': 'x: 1\n',
  'exp/a.yaml': '# @package _global_\nlr: 3\n',
  'exp/b.yaml': '# @package _global_\nhydra:\n  sweeper:\n    params:\n      n: 1,2\n',
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
    ['gives a repeated key the place of the first', ['lr=5', 'n=1,2', 'lr=6'], ['lr=6 n=1', 'lr=6 n=2']],
    ['lets the last mapping of a key win too', ['+d={a:1},{a:2}', '+d={b:3}'], ['+d={b:3}']],
    ['keeps keys with other signs apart', ['n=1,2', '++n=3'], ['n=1 ++n=3', 'n=2 ++n=3']],
    [
      'lets the command line win over hydra.sweeper.params',
      ['lr=7', '+hydra.sweeper.params={lr:"1,2",n:"3,4"}'],
      ['lr=7 n=3', 'lr=7 n=4'],
    ],
    [
      'prints the values of hydra.sweeper.params as Python does',
      ['+hydra.sweeper.params={lr:1.0,n:1e-5,+b:true}'],
      ['lr=1.0 n=1e-05 +b=True'],
    ],
    [
      'adds to lists in every job',
      ['list=extend_list(3)', 'lr=1,2'],
      ['list=extend_list(3) lr=1', 'list=extend_list(3) lr=2'],
    ],
    [
      'keeps each addition to a list',
      ['list=extend_list(3)', 'list=extend_list(4)'],
      ['list=extend_list(3) list=extend_list(4)'],
    ],
    [
      'sweeps a group in another package',
      ['lr=1', '+db@src=glob(*)'],
      ['lr=1 +db@src=mysql', 'lr=1 +db@src=pgsql'],
    ],
    ['has no jobs where a pattern names no option', ['db=glob(nothing*)'], []],
    ['sorts numbers and reverses', ['n=sort(3,1,2,reverse=true)'], ['n=3', 'n=2', 'n=1']],
    ['finds options with odd names', ['+odd=glob(*)'], ['+odd=b c', "+odd='it\\'s é'"]],
    ['casts each value', ['n=int(choice("4",5.5))'], ['n=4', 'n=5']],
    [
      'quotes what could not be read back',
      ['+t=choice("it\'s",b)', '+j=json_str({a:1})'],
      ["+t='it\\'s' +j='{\"a\": 1}'", '+t=b +j=\'{"a": 1}\''],
    ],
    ['keeps null and booleans', ['lr=null,true'], ['lr=null', 'lr=True']],
    ['keeps lists and mappings whole', ['+v=[1,[a,b]],{k:{j:1}}'], ['+v=[1,[a,b]]', '+v={k:{j:1}}']],
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

  it('puts a job where its own hydra.sweep.dir says', () => {
    const { jobs, plan } = sweep(['lr=1,2', 'hydra.sweep.dir=out/${lr}']);
    expect(plan.directory).to.equal('out/0.1');
    expect(jobs.map((job) => job.directory)).to.deep.equal(['out/1', 'out/2']);
  });

  it('says in each job that it is part of a sweep', () => {
    const [job] = sweep(['lr=1,2']).jobs;
    expect(job!.composed.value('hydra.mode')).to.equal('MULTIRUN');
    expect(job!.composed.value('hydra.overrides.hydra')).to.deep.equal(['hydra.mode=MULTIRUN']);
    expect(job!.composed.value('hydra.overrides.task')).to.deep.equal(['lr=1']);
  });

  it('names the keys that differ', () => {
    const { plan } = sweep(['n=1', 'lr=1,2', '+hydra.sweeper.params={db:"glob(*)",n:"1,2"}']);
    expect(plan.swept).to.deep.equal(['db', 'lr']);
  });

  it('finds the mistake of a later job before any runs', () => {
    expect(failureOf(() => sweep(['db=mysql,nope'])).message).to.include("Could not find 'db/nope'");
  });

  const refused: [overrides: string[], message: RegExp][] = [
    [['lr=interval(0,1)'], /does not support sweep type : INTERVAL_SWEEP/],
    [['hydra.job.name=a,b'], /Sweeping over Hydra's configuration is not supported/],
    [['lr=range(0,1000)', 'n=range(0,1000)'], /more than 100000 jobs/],
    [['hydra.sweeper.max_batch_size=0'], /must be a whole number of at least 1, got 0/],
    [
      ['+hydra.sweeper.params={lr:[1,2]}'],
      /hydra.sweeper.params.lr is the text of a sweep or value, got a list/,
    ],
    [['hydra.sweeper.max_batch_size=1.5'], /must be a whole number of at least 1, got 1.5/],
    [['hydra/sweeper=tpe', 'hydra.sweeper.direction=up'], /direction must be minimize or maximize, got "up"/],
    [
      ['hydra/sweeper=random', 'hydra.sweeper.prune_after=3'],
      /objective must be the name of a metric, got null/,
    ],
    [['hydra/sweeper=random', 'hydra.sweeper.n_trials=0'], /n_trials must be a whole number of at least 1/],
    [['hydra/sweeper=random', 'lr=tag(log,interval(0,1))'], /tag\(log, …\) needs values above 0/],
    [['hydra/sweeper=random', 'lr=interval(1,0)'], /there is nothing to choose from/],
    [['hydra/sweeper=random', 'db=glob(nothing*)'], /there is nothing to choose from/],
    [['+exp=a,b'], /'hydra.sweeper' must be configured before the sweep starts/],
    [['hydra.sweeper._target_=nope'], /there is no sweeper 'nope'/],
  ];
  for (const [overrides, message] of refused) {
    it(`refuses ${overrides.join(' ')}`, () => {
      expect(failureOf(() => sweep(overrides)).message).to.match(message);
    });
  }
});
