import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const launcher = fileURLToPath(new URL('../../run', import.meta.url));

/** What a finished set-up leaves, with a program that says that it was started. */
const built: Record<string, string> = {
  'src/cli.ts': '',
  'src/config/compose.ts': '',
  'stages/index.ts': '',
  'test/run.test.ts': '',
  'native/core/status.cpp': '',
  'native/core/ops.def': '',
  'native/core/generate-op-list.mjs': 'process.exit(1)',
  'tsconfig.json': '{}',
  'package.json': '{}',
  'package-lock.json': '{}',
  'CMakeLists.txt': '',
  'node_modules/.installed-package-lock.json': '{}',
  'build/Release/sluice.node': '',
  'dist/src/start.cjs': "console.log(`started ${process.argv.slice(2).join(' ')}`)",
};
const stamps = ['node_modules/.package-lock.json', 'dist/.stamp', 'build/.stamp', 'build/.ready'];

describe('./run', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'sluice-run-'));
    for (const [file, text] of [...Object.entries(built), ...stamps.map((stamp) => [stamp, ''] as const)]) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), text);
      // A minute ago; stamps half a minute.
      const age = stamps.includes(file) ? 30 : 60;
      utimesSync(join(root, file), Date.now() / 1000 - age, Date.now() / 1000 - age);
    }
    for (const folder of ['src', 'src/config', 'stages', 'test', 'native', 'native/core'])
      utimesSync(join(root, folder), Date.now() / 1000 - 60, Date.now() / 1000 - 60);
    copyFileSync(launcher, join(root, 'run'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const run = (command = './run', words = ['stage_1', 'a b']) => {
    const { stdout, stderr } = spawnSync(command, words, {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, SLUICE_NO_APT: '1' },
    });
    return { stdout, settingUp: stderr.includes('setup: ') };
  };
  const started = { stdout: 'started stage_1 a b\n', settingUp: false };

  it('starts at once where nothing has changed', () => {
    expect(run()).to.deep.equal(started);
    expect(run(join(root, 'run'))).to.deep.equal(started);
    symlinkSync(join(root, 'run'), join(root, 'link'));
    expect(run('./link')).to.deep.equal(started);
    expect(run('src/../run')).to.deep.equal(started);
  });

  it('tells the program that nohup wants no hang-up to end it', () => {
    writeFileSync(join(root, 'dist/src/start.cjs'), 'console.log(process.env.SLUICE_NOHUP)');
    expect(run().stdout).to.equal('undefined\n');
    expect(run('nohup', ['./run', 'stage_1']).stdout).to.equal('1\n');
  });

  it('looks at a newer package-lock.json before it installs anything', () => {
    writeFileSync(join(root, 'package-lock.json'), built['package-lock.json']!);
    expect(run()).to.deep.equal(started);
  });

  it('leaves a changed test to --setup', () => {
    writeFileSync(join(root, 'test/run.test.ts'), '// changed');
    expect(run()).to.deep.equal(started);
    expect(run('./run', ['--setup']).settingUp).to.equal(true);
  });

  const changes: Record<string, () => void> = {
    'a source was edited': () => writeFileSync(join(root, 'src/config/compose.ts'), '// changed'),
    'a source is gone': () => rmSync(join(root, 'src/config/compose.ts')),
    'a stage was added': () => writeFileSync(join(root, 'stages/new.ts'), ''),
    'a native source was edited': () => writeFileSync(join(root, 'native/core/status.cpp'), '// changed'),
    'the lock file names other packages': () => writeFileSync(join(root, 'package-lock.json'), '{"a": 1}'),
    'the compiled program is gone': () => rmSync(join(root, 'dist'), { recursive: true }),
    'the engine is gone': () => rmSync(join(root, 'build/Release/sluice.node')),
    'nothing was ever set up': () => rmSync(join(root, 'build'), { recursive: true }),
  };
  for (const [name, change] of Object.entries(changes)) {
    it(`sets up where ${name}`, () => {
      change();
      expect(run().settingUp).to.equal(true);
    });
  }

  it('sets up where only its own mark is missing, and then no more', () => {
    rmSync(join(root, 'build/.ready'));
    expect(run()).to.deep.equal(started);
    expect(statSync(join(root, 'build/.ready')).size).to.equal(0);
  });
});
