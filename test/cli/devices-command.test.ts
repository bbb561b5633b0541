import { expect } from 'chai';
import { main } from '../../src/cli/main.js';
import { useEngine } from '../numerics/native-run.js';
import { commandLineProject } from '../runner/fixtures/command-line.js';
import { Lines } from '../runner/fixtures/lines.js';

describe('./run devices', () => {
  const engine = useEngine();

  async function run(...words: string[]) {
    const [stdout, stderr] = [new Lines(), new Lines()];
    const code = await main(['devices', ...words], commandLineProject('/nowhere', stdout, stderr));
    return { code, out: stdout.text, err: stderr.text };
  }

  it('measures each device and says of every other what is missing', async () => {
    const { code, out } = await run('--log', 'json');
    expect(code).to.equal(0);
    const { devices, missing } = JSON.parse(out) as {
      devices: Record<string, unknown>[];
      missing: { name: string; problem: string; hint: string }[];
    };
    const gpus = engine().gpus();
    expect(devices.map(({ name }) => name)).to.deep.equal(['cpu', ...gpus.devices.map(({ name }) => name)]);
    for (const key of ['memory_bytes', 'bytes_per_second', 'f32_flops', 'bf16_flops'])
      expect(devices[0]![key], key).to.be.greaterThan(1e9);
    const kinds = ['cuda', 'metal'] as const;
    expect(missing.map(({ name }) => name)).to.deep.equal(
      kinds.filter((kind) => gpus.problems[kind] !== null),
    );
    for (const { name, problem, hint } of missing) {
      expect(problem).to.match(new RegExp(`^${name} cannot be used: .`));
      expect(hint).to.match(name === 'cuda' ? /driver.*CUDA toolkit.*--setup/ : /--setup|nothing to install/);
    }
  });

  it('takes no words', async () => {
    expect(await run('gpu')).to.deep.include({ code: 2, out: '' });
  });
});
