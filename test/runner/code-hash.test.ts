import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { CodeHashes } from '../../src/runner/code-hash.js';
import { stages } from '../../stages/index.js';

describe('the hash of the code of a stage', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'sluice-code-'));
    write('package.json', '{"type": "module"}');
    write('package-lock.json', '{"packages": {"node_modules/@a/b": {"version": "1.0.0"}}}');
    write('dist/stages/index.js', 'export const codeOf = (name) => [`./${name}.js`];');
    write('dist/stages/one.js', "import { x } from '../src/x.js';\nawait import('../src/late.js');");
    write('dist/stages/two.js', 'export const two = 2;');
    write('dist/src/x.js', "export { y as x } from './y.js';");
    write('dist/src/y.js', "export const y = createRequire(import.meta.url)('@a/b/c');");
    write('dist/src/late.js', '');
  });
  afterEach(() => rmSync(root, { recursive: true }));

  function write(path: string, text: string): void {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const hashes = async () => {
    const code = new CodeHashes(pathToFileURL(join(root, 'dist/stages/index.js')).href);
    return [await code.of('one'), await code.of('two')];
  };

  const changes: { what: string; path: string; text: string }[] = [
    { what: 'the stage', path: 'dist/stages/one.js', text: "import '../src/x.js';" },
    { what: 'what it imports', path: 'dist/src/x.js', text: "export { y as x } from './y.js'; // more" },
    { what: 'what that imports', path: 'dist/src/y.js', text: 'export const y = 1;' },
    { what: 'what it imports when it is wanted', path: 'dist/src/late.js', text: 'export {};' },
    {
      what: 'the version of a package',
      path: 'package-lock.json',
      text: '{"packages": {"node_modules/@a/b": {"version": "1.0.1"}}}',
    },
  ];
  for (const { what, path, text } of changes) {
    it(`changes with ${what}, and that of another stage does not`, async () => {
      const before = await hashes();
      expect(await hashes()).to.deep.equal(before);
      write(path, text);
      const after = await hashes();
      expect(after[0]).not.to.equal(before[0]);
      expect(after[1]).to.equal(before[1]);
    });
  }

  it('is there for every stage of this project, all of them in well under a second', async () => {
    const code = new CodeHashes(new URL('../../stages/index.js', import.meta.url).href);
    const started = performance.now();
    const all = await Promise.all(stages.map(({ name }) => code.of(name)));
    expect(new Set(all).size).to.equal(stages.length);
    expect(performance.now() - started).to.be.below(1000); // 60 ms on an idle machine
  });
});
