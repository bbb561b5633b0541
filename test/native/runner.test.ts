import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { useEngine } from '../numerics/native-run.js';
import { numericRows } from '../numerics/rows/index.js';
import { saveRow } from '../numerics/save-row.js';

// dist/test/native -> build/Release
const runner = fileURLToPath(new URL('../../../build/Release/sluice-run', import.meta.url));

const saved = ['softmax of odd rows', 'matmul with weights [out,in], bias and leading axes'];

describe('sluice-run, the runner of saved programs', () => {
  const engine = useEngine();
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-saved-'));
    const rows = numericRows.filter(({ op, name }) => saved.includes(`${op} ${name}`) || op === 'adamw');
    for (const row of rows) await saveRow(engine(), row, folder);
  });
  after(() => rmSync(folder, { recursive: true }));

  function run(...words: string[]) {
    const { stdout, stderr, status } = spawnSync(runner, words, { encoding: 'utf8' });
    return { lines: stdout.trim().split('\n'), stderr, status };
  }

  it('has the bits of the addon', () => {
    const { lines, status } = run('check', folder);
    expect(status).to.equal(0);
    expect(lines.length).to.be.greaterThan(6);
    for (const line of lines.slice(0, -1)) expect(line).to.match(/^ok {3}.* error 0\.00e\+00 /);
    expect(lines.at(-1)).to.equal(`${lines.length - 1} passed, 0 failed`);
  });

  it('holds the GPU back end to them, on the emulator', () => {
    const { lines, status } = run('check', folder, 'device=emulator:shuffled');
    expect(status).to.equal(0);
    expect(lines.at(-1)).to.match(/^\d+ passed, 0 failed$/);
  });

  it('times a program, and each kind of its ops', () => {
    const { lines, status } = run('bench', join(folder, 'softmax-of-odd-rows/forward'), 'runs=3');
    expect(status).to.equal(0);
    expect(lines[0]).to.match(/^[\d.]+ s a run \(median of 3, /);
    expect(lines[1]).to.match(/ s {2}softmax$/);
  });

  it('fails for other numbers, for files that are cut off, and for what it does not know', () => {
    const one = join(folder, 'softmax-of-odd-rows/forward');
    const wanted = join(one, 'wanted.safetensors');
    const bytes = readFileSync(wanted);
    const changed = Buffer.from(bytes);
    changed.writeFloatLE(0.7, changed.length - 4);
    writeFileSync(wanted, changed);
    expect(run('check', one)).to.deep.include({ status: 1 });
    expect(run('check', one).lines.at(-1)).to.equal('0 passed, 1 failed');
    writeFileSync(wanted, bytes.subarray(0, bytes.length - 4));
    expect(run('check', one).lines[0]).to.match(/^FAIL .*lies outside the file/);
    writeFileSync(wanted, '{');
    expect(run('check', one).lines[0]).to.match(/^FAIL .*ends before its header does/);
    writeFileSync(wanted, bytes);
    expect(run('check', one, 'device=gramophone').lines[0]).to.match(/^FAIL .*gramophone/);
    expect(run('check', join(folder, 'nowhere'))).to.deep.include({ status: 1 });
    expect(run('check', one, 'speed=9')).to.deep.include({ status: 2 });
  });
});
