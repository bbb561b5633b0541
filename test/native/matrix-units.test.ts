import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const compiler = process.env.CXX ?? 'c++';
const sources = [
  'test/native/matrix-units.cpp',
  'native/backends/emulator/group.cpp',
  'native/backends/emulator/matrix-units.cpp',
];

describe("the emulator's matrix units", function () {
  this.timeout(60_000);
  let folder = '';
  before(async function () {
    await run(compiler, ['--version']).catch(() => this.skip()); // no C++ compiler here
    folder = mkdtempSync(join(tmpdir(), 'sluice-matrix-units-'));
    await run(compiler, ['-std=c++20', '-I.', ...sources, '-o', join(folder, 'check')]);
  });
  after(() => {
    if (folder) rmSync(folder, { recursive: true });
  });

  for (const order of ['ascending', 'descending', 'shuffled'])
    it(`multiply as a plain product does, copy late, and see what is missing: threads ${order}`, async () => {
      await run(join(folder, 'check'), [order]).catch((error: { stdout: string }) => {
        throw new Error(error.stdout);
      });
    });
});
