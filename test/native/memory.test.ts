import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import { openSession, programText } from './programs.js';

const absurd = 2 ** 43; // bytes: 8 TiB

/** Needs an arena of `absurd` bytes and touches little of it. */
const greedy = programText(
  absurd,
  'value 0 input "x" f32 [4]',
  `value 1 temp @${absurd - 64} f32 [4]`,
  'output "y" 1',
  'op relu (0) -> (1) {} "mlp"',
);
const modest = programText(
  64,
  'value 0 input "x" f32 [4]',
  'value 1 temp @0 f32 [4]',
  'output "y" 1',
  'op relu (0) -> (1) {} "mlp"',
);
const x = Float32Array.of(-1, 2, -3, 4);

const messageOf = (promise: Promise<unknown>) => promise.then(String, (error: Error) => error.message);

describe('memory that is not there', () => {
  it('fails the run that needs it, saying how much is, and leaves the session usable', async () => {
    const session = openSession();
    const small = session.load(modest);
    const large = session.load(greedy);
    for (let round = 0; round < 2; round++) {
      expect(await messageOf(large.run({ x }))).to.match(
        new RegExp(`^out of memory: the arena needs ${absurd} bytes, \\d{6,} are free$`),
      );
      const { outputs } = await small.run({ x });
      expect([...new Float32Array(outputs.y!)]).to.deep.equal([0, 2, 0, 4]);
    }
    expect(session.bytes().arena).to.equal(64);
    session.close();
  });

  it('refuses a state, and keeps the one that had its name', () => {
    const session = openSession(1);
    session.setState('w', 'f32', [2], Float32Array.of(5, 6));
    expect(() => session.setState('w', 'f32', [2 ** 39], null)).to.throw(
      /^out of memory: state "w" needs 2199023255552 bytes, \d{6,} are free$/,
    );
    expect([...new Float32Array(session.getState('w').data)]).to.deep.equal([5, 6]);
    expect(session.bytes().states).to.equal(8);
    session.close();
  });

  it('refuses a program whose inputs do not fit', () => {
    const session = openSession(1);
    const text = programText(64, `value 0 input "x" f32 [${2 ** 39}]`, 'output "x" 0');
    expect(() => session.load(text)).to.throw(
      /^out of memory: inputs and constants needs 2199023255552 bytes, \d{6,} are free$/,
    );
    session.close();
  });

  it('refuses threads that the system does not give, and goes on with fewer', () => {
    const script = `
      import { openSession } from ${JSON.stringify(new URL('programs.js', import.meta.url))};
      for (let i = 0; i < 3; i++) {
        try { openSession(1024); console.log('opened'); } catch (error) { console.log(error.message); }
      }
      openSession(2).close();
      console.log('two do');`;
    // stacks of 8 MiB and workspaces: 1024 threads reserve 12 GiB of addresses, which Node alone does not
    const { status, stdout, stderr } = spawnSync(
      'bash',
      ['-c', 'ulimit -v 6000000; exec "$0" --input-type=module -e "$1"', process.execPath, script],
      { encoding: 'utf8' },
    );
    expect(stderr).to.equal('');
    expect(stdout.trim().split('\n')).to.have.length(4);
    for (const line of stdout.trim().split('\n').slice(0, 3)) {
      expect(line).to.match(/^the system does not give 1024 threads: .+/);
    }
    expect(stdout).to.include('two do');
    expect(status).to.equal(0);
  });
});

describe('memory that was used', () => {
  it('comes back when a session is closed, 200 times, and when a run ends, 1,000 times', () => {
    // 1 MiB of state, 512 KiB of arena, 256 KiB each of input and output; a process of its own, for its collector
    const script = `
      import { longProgram, openSession } from ${JSON.stringify(new URL('programs.js', import.meta.url))};
      const text = longProgram(256, 2);
      const x = new Float32Array(256 * 256);
      const held = openSession();
      const program = held.load(text);
      const openAndClose = async () => {
        const session = openSession();
        session.setState('w', 'f32', [1 << 18], null);
        await session.load(text).run({ x });
        session.close();
      };
      const resident = async () => {
        for (let i = 0; i < 5; i++) { gc(); await new Promise((resolve) => setTimeout(resolve, 5)); }
        return process.memoryUsage().rss;
      };
      // the allocator keeps some of what is freed; a leak grows in every round
      const growth = async (call, count) => {
        const grown = [];
        for (let round = 0; round < 8; round++) {
          const before = await resident();
          for (let i = 0; i < count; i++) await call();
          grown.push((await resident()) - before);
        }
        return Math.min(...grown);
      };
      console.log(JSON.stringify([await growth(openAndClose, 50), await growth(() => program.run({ x }), 250)]));`;
    const arguments_ = ['--expose-gc', '--input-type=module', '-e', script];
    const { stdout, stderr } = spawnSync(process.execPath, arguments_, { encoding: 'utf8' });
    expect(stderr).to.equal('');
    const [sessions, runs] = JSON.parse(stdout) as [number, number];
    // leaked, these would be 75 MiB of states and arenas, and 62 MiB of outputs
    expect(sessions, 'bytes after 50 sessions').to.be.below(20 << 20);
    expect(runs, 'bytes after 250 runs').to.be.below(15 << 20);
  });
});
