import { expect } from 'chai';
import { type CommandLine, parseArguments } from '../../src/cli/arguments.js';

const rows: { name: string; argv: string; expected: Partial<CommandLine> }[] = [
  { name: 'nothing', argv: '', expected: { command: undefined, rest: [], log: 'auto', multirun: false } },
  {
    name: 'a stage and overrides',
    argv: 'stage_1 a=1 +b=2 ~c',
    expected: { command: 'stage_1', rest: ['a=1', '+b=2', '~c'] },
  },
  {
    name: 'flags before the stage',
    argv: '--cfg job stage_1 a=1',
    expected: { command: 'stage_1', cfg: 'job', rest: ['a=1'] },
  },
  {
    name: 'flags between overrides',
    argv: 's a=1 --resolve b=2 -c=all',
    expected: { cfg: 'all', resolve: true, rest: ['a=1', 'b=2'] },
  },
  { name: 'a package', argv: 's --cfg job -p training.lora', expected: { package: 'training.lora' } },
  {
    name: 'a flag whose value has an equals sign',
    argv: 's --config-dir=a=b',
    expected: { configDir: 'a=b' },
  },
  {
    name: 'two-letter short flags',
    argv: 's -cn other -cd more -m',
    expected: { configName: 'other', configDir: 'more', multirun: true },
  },
  { name: 'a bare --info', argv: '--info s a=1', expected: { command: 's', info: 'all', rest: ['a=1'] } },
  {
    name: 'a kind of info',
    argv: 's -i defaults-tree a=1',
    expected: { info: 'defaults-tree', rest: ['a=1'] },
  },
  {
    name: 'the beginning of a flag',
    argv: 's --multi --config-d=x',
    expected: { multirun: true, configDir: 'x' },
  },
];

const wrong: { argv: string; message: string | RegExp; hint?: string }[] = [
  { argv: 's --cfg', message: '--cfg needs one of job, hydra, all' },
  { argv: 's --cfg jobs', message: '--cfg needs one of job, hydra, all, got jobs' },
  { argv: 's --resolve=yes', message: '--resolve takes no value, got yes' },
  { argv: 's -x', message: 'unknown flag -x', hint: './run --help lists the flags' },
  { argv: 's --foo', message: 'unknown flag --foo', hint: './run --help lists the flags' },
  { argv: 's --reslove', message: 'unknown flag --reslove', hint: 'did you mean --resolve?' },
  {
    argv: 's --config x',
    message: 'unknown flag --config',
    hint: 'could be --config-path, --config-name, --config-dir',
  },
  { argv: 's --info=everything', message: /--info needs one of all, .*searchpath, got everything/ },
  {
    argv: 's --quite-something-else',
    message: 'unknown flag --quite-something-else',
    hint: './run --help lists the flags',
  },
];

const words = (text: string) => text.split(' ').filter(Boolean);

describe('a command line', () => {
  for (const { name, argv, expected } of rows) {
    it(`with ${name} is taken apart`, () => {
      const line = parseArguments(words(argv));
      for (const [key, value] of Object.entries(expected))
        expect(line[key as keyof CommandLine]).to.deep.equal(value);
    });
  }
  for (const { argv, message, hint } of wrong) {
    it(`\`${argv}\` is refused with a way out`, () => {
      const parse = () => parseArguments(words(argv));
      expect(parse).to.throw(message).with.property('exitCode', 2);
      if (hint !== undefined) expect(parse).to.throw().with.property('hint', hint);
    });
  }
});
