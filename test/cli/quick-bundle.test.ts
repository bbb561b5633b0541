import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { bundleQuick } from '../../src/cli/quick-bundle.js';

// dist/test/cli/ -> dist/
const dist = fileURLToPath(new URL('../../../dist/', import.meta.url));

/** Rooms a printed config may load code of: itself, and what `${run:…}` reads. */
const ROOMS =
  /^(src\/(cli|config)\/|src\/errors\.js|src\/runner\/|src\/checkpoint\/(atomic|disk-reason)\.js|stages\/index\.js)/;
const HEAVY =
  /^src\/config\/(conformance|sweep|schema)|^src\/runner\/(display|launchers|run-stage|run-pipeline|child)/;

describe('what is loaded to print a config', () => {
  let files: string[];
  let imports: { path: string; kind: string }[];
  let bytes: number;
  before(async () => {
    const { metafile } = await bundleQuick(dist, { write: false });
    const [output] = Object.values(metafile.outputs);
    files = Object.keys(metafile.inputs).map((path) => path.slice(path.indexOf('dist/') + 5));
    ({ imports, bytes } = output!);
  });

  it('are config, command line and the index of runs', () => {
    expect(files).to.include.members(['src/cli/quick.js', 'src/config/compose.js', 'src/errors.js']);
    expect(files.filter((file) => !ROOMS.test(file) || HEAVY.test(file))).to.deep.equal([]);
  });

  it('are no packages and of Node only what is there anyway', () => {
    const needed = imports.filter(({ kind }) => kind !== 'dynamic-import').map(({ path }) => path);
    const light = [
      'node:buffer',
      'node:fs',
      'node:path',
      'node:url',
      'node:os',
      'node:crypto',
      'node:fs/promises',
    ];
    expect(needed.filter((path) => ![...light, 'node:timers/promises'].includes(path))).to.deep.equal([]);
  });

  it('are few', () => {
    expect(files).to.have.length.below(76);
    expect(bytes).to.be.below(300_000);
  });
});
