// npm run bench:config   Medians of whole processes, taken in turn, and of composing a large tree in a process of its own.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { compose } from '../../src/config/index.js';
import { withFiles } from './fixture.js';
import { largeTree } from './large-tree.js';

const ROUNDS = 15;
const self = fileURLToPath(import.meta.url);

if (process.argv[2] === 'compose') {
  const { files, overrides } = largeTree();
  withFiles(files, (folder) => {
    const start = performance.now();
    compose({ configDirs: [folder], configName: 'config', overrides });
    console.log(performance.now() - start);
  });
} else {
  report();
}

function report(): void {
  const root = fileURLToPath(new URL('../../..', import.meta.url));
  const run = (words: string) => () => processMilliseconds(`${root}run`, words.split(' '));
  const rows: Record<string, () => number> = {
    'an empty Node': () => processMilliseconds(process.execPath, ['-e', '0']),
    './run stage_1 --cfg job': run('stage_1 --cfg job'),
    './run stage_1 --cfg job --resolve': run('stage_1 --cfg job --resolve'),
    './run stage_1 --help': run('stage_1 --help'),
    './run --help': run('--help'),
    './run runs': run('runs'),
    'compose 500 files, 1,000 overrides': () =>
      Number(spawnSync(process.execPath, [self, 'compose'], { encoding: 'utf8' }).stdout),
  };
  const times = new Map(Object.keys(rows).map((name) => [name, [] as number[]]));
  for (let round = -1; round < ROUNDS; round++)
    for (const [name, measure] of Object.entries(rows)) {
      const time = measure();
      if (round >= 0) times.get(name)!.push(time); // the first warms up
    }
  console.log(`${'milliseconds, of '.padEnd(36)}median  least`.replace('of ', `of ${ROUNDS}`));
  for (const [name, all] of times) {
    const sorted = all.sort((a, b) => a - b);
    console.log(
      name.padEnd(38) + sorted[ROUNDS >> 1]!.toFixed(0).padStart(6) + sorted[0]!.toFixed(0).padStart(7),
    );
  }
}

function processMilliseconds(command: string, words: string[]): number {
  const start = performance.now();
  const { status, stderr } = spawnSync(command, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${words.join(' ')}: ${stderr}`);
  return performance.now() - start;
}
