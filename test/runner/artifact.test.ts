import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { fingerprint } from '../../src/runner/artifact.js';

describe('the hash of a folder', () => {
  let base: string;
  let folder: string;

  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'sluice-artifact-'));
    folder = join(base, 'model');
    mkdirSync(join(folder, 'part'), { recursive: true });
    writeFileSync(join(folder, 'a.txt'), 'a');
    writeFileSync(join(folder, 'part', 'b.txt'), 'bb');
  });

  afterEach(() => rmSync(base, { recursive: true }));

  it('is that of the list which sha256sum prints of its files', async () => {
    const list = execFileSync('sh', ['-c', 'sha256sum a.txt part/b.txt | sha256sum'], { cwd: folder });
    const { sha256, bytes } = await fingerprint(folder);
    expect(sha256).to.equal(String(list).slice(0, 64));
    expect(bytes).to.equal(3);
  });

  it('follows links to files and folders, as those who read it do', async () => {
    mkdirSync(join(base, 'shared'));
    writeFileSync(join(base, 'shared', 'c.txt'), 'ccc');
    symlinkSync(join(base, 'shared'), join(folder, 'linked'));
    symlinkSync(join(base, 'shared', 'c.txt'), join(folder, 'd.txt'));
    const { files, bytes } = await fingerprint(folder);
    expect(files!.map(({ path }) => path)).to.deep.equal(['a.txt', 'd.txt', 'linked/c.txt', 'part/b.txt']);
    expect(bytes).to.equal(9);
  });

  it('leaves out what has no bytes: links to nothing, pipes, a link back to the folder itself', async () => {
    const before = await fingerprint(folder);
    symlinkSync('/does/not/exist', join(folder, 'broken'));
    symlinkSync('..', join(folder, 'part', 'up'));
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    expect(await fingerprint(folder)).to.deep.equal(before);
  });

  it('names the file that cannot be read', async () => {
    const refuse = () => Promise.reject(new Error('EIO: i/o error, read'));
    const error = await fingerprint(folder, refuse).catch((thrown: unknown) => thrown);
    expect(error).to.include({ code: 'run.artifact_unreadable', where: join(folder, 'a.txt') });
  });
});
