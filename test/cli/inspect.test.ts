import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { CommandLineProject } from './command-line-run.js';

describe('looking at a config instead of running it', () => {
  let project: CommandLineProject;
  beforeEach(() => {
    project = new CommandLineProject();
  });
  afterEach(() => project.remove());
  const run = (...argv: string[]) => project.run(...argv);

  it('--info searchpath lists where configs are looked for', async () => {
    const { code, out } = await run('train', '--info', 'searchpath', '-cd', 'configs/experiment');
    expect(code).to.equal(0);
    expect(out).to.match(/^Config search path\n\*{18}\n\| Provider +\| Search path +\|\n-+\n/);
    expect(out).to.contain(`| main         | file://${join(project.root, 'configs')} `);
    expect(out).to.contain(`| command-line | file://${join(project.root, 'configs/experiment')} |`);
  });

  it('--info defaults-tree draws the defaults lists, with what overrides chose', async () => {
    const { out } = await run('train', 'hydra/job_logging=none', '--info', 'defaults-tree');
    expect(out).to.match(/^Defaults Tree\n\*{13}\n<root>:\n {2}hydra\/config:\n {4}hydra\/output: default\n/);
    expect(out).to.contain('\n    hydra/job_logging: none\n    hydra/callbacks: null\n');
    expect(out).to.match(/\n {2}train:\n {4}base\n {4}_self_\n$/);
  });

  it('--info defaults lists the configs in the order they are merged', async () => {
    const { out } = await run('train', '-i', 'defaults');
    const rows = out.split('\n').filter((line) => line.startsWith('|'));
    const cells = rows.map((row) =>
      row
        .split('|')
        .map((cell) => cell.trim())
        .slice(1, -1),
    );
    expect(cells[0]).to.deep.equal(['Config path', 'Package', '_self_', 'Parent']);
    expect(cells[1]).to.deep.equal(['hydra/output/default', 'hydra', 'False', 'hydra/config']);
    expect(cells.at(-2)).to.deep.equal(['base', '', 'False', 'train']);
    expect(cells.at(-1)).to.deep.equal(['train', '', 'True', '<root>']);
  });

  it('--info plugins names the stages and the options behind them', async () => {
    const { out } = await run('train', '--info', 'plugins');
    expect(out)
      .to.contain('    train, stage_0\n')
      .and.to.match(/Sweepers .*\n +-+\n {4}basic\n {4}random\n/);
    expect(out).to.match(/_target_ of launchers:\n +-+\n {4}local\n/);
  });

  it('a bare --info prints all of it and the config', async () => {
    const { out } = await run('train', 'seed=3', '--info');
    for (const title of ['Plugins', 'Config search path', 'Defaults Tree', 'Defaults List', 'Config'])
      expect(out).to.contain(`${title}\n*`);
    expect(out).to.match(/\nConfig\n\*{6}\nseed: 3\ndata: null\n\nComposed in \d+\.\d ms\n$/);
  });

  it('--help of a stage follows the template of hydra.help', async () => {
    const { out } = await run('train', 'seed=3', '--help');
    expect(out).to.match(/^train is powered by Hydra\.\n\n== Configuration groups ==\n/);
    expect(out).to.contain('\nexperiment: broken, tour\n').and.to.contain('\nseed: 3\ndata: null\n');
    const own = await run('train', '--help', "hydra.help.template='$STAGE costs 5$$\\n${hydra.job.name}'");
    expect(own.out).to.match(/^The stage that does train\n[\s\S]*Also called stage_0\. costs 5\$/);
  });

  it('--help names what a template can have', async () => {
    const { code, err } = await run('train', '--help', "hydra.help.template='$CONFIGS'");
    expect(code).to.equal(2);
    expect(err).to.match(
      /^error: hydra\.help\.template: there is no \$CONFIGS\n +at: +override hydra\.help\./,
    );
    expect(err).to.contain(
      'it can have $FLAGS_HELP, $APP_CONFIG_GROUPS, $HYDRA_CONFIG_GROUPS, $STAGE, $CONFIG',
    );
  });

  it("--hydra-help lists the flags and Hydra's groups, with or without a stage", async () => {
    const { code, out } = await run('--hydra-help');
    expect(code).to.equal(0);
    expect(out)
      .to.contain('\n--cfg,-c : ')
      .and.to.contain('\nhydra/job_logging: default, disabled, none, stdout\n');
    expect(out).not.to.contain('\nexperiment:');
    expect((await run('train', 'seed=3', '--hydra-help')).out).to.equal(out);
    expect((await run('--hydra-help', 'hydra.hydra_help.template=foo')).out).to.equal('foo\n');
  });

  it('--cfg hydra leaves the help texts out, as Hydra does', async () => {
    const { out } = await run('train', '--cfg', 'hydra');
    expect(out)
      .to.contain('\n  output_subdir: .hydra\n')
      .and.not.to.match(/^ {2}(?:hydra_)?help:/m);
  });

  it('--config-path is relative to the project, --config-dir to the caller', async () => {
    project.write('other/configs/train.yaml', 'data: other\n');
    project.write('other/configs/extra/big.yaml', 'data: big\n');
    expect((await run('train', '-cp', 'other/configs', '--cfg', 'job')).out).to.equal('data: other\n');
    const { out } = await run('train', '-cd', 'other/configs', '+extra=big', '--cfg', 'job');
    expect(out).to.equal('seed: 7\ndata: null\nextra:\n  data: big\n');
  });

  it('HYDRA_FULL_ERROR=1 adds the stack of an error and of its causes', async () => {
    project.env = { HYDRA_FULL_ERROR: '1' };
    const { err } = await run('train', 'sed=1');
    expect(err).to.match(
      /^error: Could not override 'sed'\.\n[\s\S]*\n +at .*compose\.js:[\s\S]*\nCaused by: /,
    );
  });

  const refused: [string, RegExp][] = [
    [
      'train -m --cfg job',
      /^error: only one of --run, .* can be given\n {2}hint: got --multirun and --cfg\n$/,
    ],
    ['train -r -m', /got --run and --multirun/],
    ['train --info --plan', /got --info and --plan/],
    ['train --resolve', /^error: --resolve says how to print a config\n {2}hint: add --cfg job/],
    ['train --origin', /^error: --origin says/],
    ['train -p data', /^error: --package says/],
    ['train --cfg job -p dota', /there is no 'dota' in the config/],
    ['train -cp configs/train.yaml', /^error: --config-path takes a folder, .*\n {2}hint: --config-name/],
    ['train -cp nowhere', /^error: Primary config directory not found: .*nowhere/],
    ['train -cd nowhere', /^error: Additional config directory not found: .*nowhere/],
    [
      'train -cn trane',
      /^error: Cannot find primary config 'trane'.*\n\nConfig search path:\n.*\n\tprovider=main/,
    ],
    [
      'train hydra/job_logging=nope',
      /Could not find 'hydra\/job_logging\/nope'\n\nAvailable options in 'hydra\/job_logging':\n\tdefault\n/,
    ],
  ];
  for (const [argv, message] of refused) {
    it(`\`${argv}\` is refused before anything runs`, async () => {
      const { code, out, err } = await run(...argv.split(' '));
      expect([code, out]).to.deep.equal([2, '']);
      expect(err).to.match(message);
      expect(existsSync(join(project.root, 'outputs'))).to.equal(false);
    });
  }
});
