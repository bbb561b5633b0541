import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import { loadAddon } from '../../src/engine/addon.js';
import { floats, longProgram, lookupProgram, openSession, programText } from './programs.js';

const relu = programText(
  64,
  'value 0 input "x" f32 [4]',
  'value 1 temp @0 f32 [4]',
  'output "y" 1',
  'op relu (0) -> (1) {} "mlp"',
);

describe('a native run', () => {
  it('lists the ops of ops.def and says which product library it uses', () => {
    const addon = loadAddon();
    expect(addon.opNames()).to.include.members(['matmul', 'attention', 'adamw']);
    expect(addon.info().matmul).to.be.oneOf(['onednn', 'openblas', 'builtin']);
  });

  it('copies its inputs, so that the caller may change them at once', async () => {
    const session = openSession();
    const x = Float32Array.of(-1, 2, -3, 4);
    const running = session.load(relu).run({ x });
    x.fill(9);
    const { outputs } = await running;
    expect([...new Float32Array(outputs.y!)]).to.deep.equal([0, 2, 0, 4]);
    session.close();
  });

  it('refuses inputs that are missing, unknown or of another size', () => {
    const session = openSession(1);
    const program = session.load(relu);
    expect(() => program.run({})).to.throw('input "x" is missing');
    expect(() => program.run({ x: new Float32Array(3) })).to.throw(
      'input "x" f32[4] has 12 bytes, expected 16',
    );
    expect(() => program.run({ x: new Float32Array(4), z: new Float32Array(1) })).to.throw(
      'the program has no input "z"',
    );
    session.close();
  });

  it('needs its states, of the right shape', async () => {
    const session = openSession(1);
    const text = programText(64, 'value 0 state "w" f32 [2]', 'output "w" 0');
    const program = session.load(text);
    await rejects(program.run({}), 'state "w" was never set');
    session.setState('w', 'f32', [3], null);
    await rejects(program.run({}), 'state "w" is f32[3], the program was made for f32[2]');
    expect(() => session.load(text)).to.throw(
      'line 4: state "w" is f32[3] in the session, the program says f32[2]',
    );
    session.setState('w', 'f32', [2], Float32Array.of(5, 6));
    const { outputs } = await program.run({});
    expect([...new Float32Array(outputs.w!)]).to.deep.equal([5, 6]);
    session.close();
  });

  it('names op, scope and the id that lies outside', async () => {
    const session = openSession();
    session.setState('w', 'f32', [3, 2], null);
    const program = session.load(lookupProgram);
    await rejects(
      program.run({ ids: Int32Array.of(1, 7) }),
      'embedding "model.embed_tokens" (line 8, cpu): id 7 at position 1 lies outside 0 .. 2',
    );
    await program.run({ ids: Int32Array.of(1, 2) }); // the session goes on
    session.close();
  });

  it('names the first op whose output is not finite, when asked to check', async () => {
    const session = openSession();
    const program = session.load(
      programText(
        128,
        'value 0 input "x" f32 [2]',
        'value 1 temp @0 f32 [2]',
        'value 2 temp @64 f32 [2]',
        'output "y" 2',
        'op log (0) -> (1) {} "layers.0.gate"',
        'op exp (1) -> (2) {} "layers.0.out"',
      ),
    );
    const x = Float32Array.of(1, 0);
    expect([...new Float32Array((await program.run({ x })).outputs.y!)]).to.deep.equal([1, 0]);
    program.setCheckFinite(true);
    await rejects(program.run({ x }), 'log "layers.0.gate" (line 8): output y [2] is not finite');
    session.close();
  });

  it('leaves the event loop free', async () => {
    const session = openSession();
    const program = session.load(longProgram(768, 30));
    let ticks = 0;
    const timer = setInterval(() => ticks++, 2);
    const { seconds } = await program.run({ x: floats(768 * 768, (i) => Math.sin(i) / 300) });
    clearInterval(timer);
    expect(seconds).to.be.greaterThan(0.02);
    expect(ticks).to.be.greaterThan(2);
    session.close();
  });

  it('queues runs of one session and settles them in order', async () => {
    const session = openSession();
    session.setState('n', 'f32', [1], null);
    const program = session.load(
      programText(
        64,
        'value 0 state "n" f32 [1]',
        'value 1 const f32 [1] 1',
        'value 2 temp @0 f32 [1]',
        'output "n" 2',
        'op accumulate (0,1) -> () {}',
        'op affine (0) -> (2) {scale=1 shift=0}',
      ),
    );
    const counts = await Promise.all(Array.from({ length: 20 }, () => program.run({})));
    expect(counts.map(({ outputs }) => new Float32Array(outputs.n!)[0])).to.deep.equal(
      Array.from({ length: 20 }, (_, i) => i + 1),
    );
    expect(new Float32Array(session.getState('n').data)[0]).to.equal(20);
    session.close();
  });

  it('gives the same bits for 1, 2 and 3 threads, and run after run', async () => {
    const results = new Set<string>();
    const x = floats(300 * 300, (i) => Math.sin(i * i) / 100);
    for (const threads of [1, 2, 3, 2]) {
      const session = openSession(threads);
      const program = session.load(longProgram(300, 4));
      for (let run = 0; run < 2; run++) {
        results.add(Buffer.from((await program.run({ x })).outputs.y!).toString('base64'));
      }
      session.close();
    }
    expect(results.size).to.equal(1);
  });

  it('times every op when profiling is on', async () => {
    const session = openSession();
    const program = session.load(longProgram(64, 3));
    const x = new Float32Array(64 * 64);
    await program.run({ x });
    program.setProfiling(true);
    await program.run({ x });
    await program.run({ x });
    const profile = program.profile();
    expect(profile.map(({ op, scope, calls }) => [op, scope, calls])).to.deep.equal([
      ['matmul', 'step.1', 2],
      ['matmul', 'step.2', 2],
      ['matmul', 'step.3', 2],
    ]);
    expect(profile.every(({ seconds }) => seconds > 0)).to.equal(true);
    session.close();
  });

  for (const [isa, matmul] of [
    ['generic', 'builtin'],
    ['avx2', 'builtin'],
    ['', 'builtin'],
  ]) {
    it(`multiplies without a library on ${isa || "this machine's own"} instructions`, () => {
      const script = `
        import { loadAddon } from ${JSON.stringify(new URL('../../src/engine/addon.js', import.meta.url))};
        import { floats, longProgram, openSession } from ${JSON.stringify(new URL('programs.js', import.meta.url))};
        const session = openSession();
        const x = floats(150 * 150, (i) => ((i * 7919) % 13) / 13);
        const y = new Float32Array((await session.load(longProgram(150, 1)).run({ x })).outputs.y);
        let worst = 0;
        for (let i = 0; i < 150; i++) for (let j = 0; j < 150; j++) {
          let sum = 0;
          for (let k = 0; k < 150; k++) sum += x[i * 150 + k] * x[j * 150 + k];
          worst = Math.max(worst, Math.abs(sum - y[i * 150 + j]));
        }
        session.close();
        console.log(loadAddon().info().matmul, worst < 1e-3);`;
      const env = { ...process.env, ENGINE_ISA: isa, ENGINE_MATMUL: matmul };
      const printed = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
        env,
        encoding: 'utf8',
      });
      expect(printed.trim()).to.equal('builtin true');
    });
  }
});

async function rejects(promise: Promise<unknown>, message: string): Promise<void> {
  const error = await promise.then(
    () => null,
    (cause: unknown) => cause,
  );
  expect(error).to.be.instanceOf(Error).with.property('message', message);
}
