import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { makeFolders } from '../../src/runner/make-folders.js';

describe('making folders', () => {
  const root = mkdtempSync(join(tmpdir(), 'sluice-folders-'));
  after(() => rmSync(root, { recursive: true }));
  const code = (path: string) =>
    makeFolders(path).then(
      () => null,
      (error: NodeJS.ErrnoException) => error.code,
    );

  it('makes those around it, also where some or all are there', async () => {
    for (const path of ['a/b/c', 'a/b/d/e', 'a/b/c']) {
      expect(await code(join(root, path))).to.equal(null);
      expect(existsSync(join(root, path))).to.equal(true);
    }
  });

  it('ends with an error below a file', async () => {
    writeFileSync(join(root, 'file'), '');
    expect(await code(join(root, 'file/below'))).to.equal('ENOTDIR');
  });

  it('ends with an error where the file system makes none', async function () {
    if (!existsSync('/proc/self')) this.skip(); // no /proc here
    expect(await code('/proc/nowhere/deep')).to.equal('ENOENT');
  });
});
