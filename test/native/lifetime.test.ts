import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import { floats, longProgram, openSession, programText } from './programs.js';

const programs = JSON.stringify(new URL('programs.js', import.meta.url));

/** Runs a module in a process of its own; `session` is open and `start()` begins a run of about a second. */
function inProcess(body: string) {
  const script = `
    import { floats, longProgram, openSession } from ${programs};
    import { Worker } from 'node:worker_threads';
    const session = openSession();
    const program = session.load(longProgram(1024, 60));
    const start = () => program.run({ x: floats(1024 * 1024, (i) => Math.sin(i) / 300) });
    ${body}`;
  const started = performance.now();
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    ['--expose-gc', '--input-type=module', '-e', script],
    { encoding: 'utf8' },
  );
  return { status, signal, stdout: stdout.trim(), stderr, seconds: (performance.now() - started) / 1000 };
}

describe('the life of a session', () => {
  it('ends with the process in the middle of a run, wherever it stands', () => {
    for (const delay of [20, 30, 45, 60, 80]) {
      const { status, signal, stderr } = inProcess(`start(); setTimeout(() => process.exit(7), ${delay});`);
      expect({ status, signal, stderr }).to.deep.equal({ status: 7, signal: null, stderr: '' });
    }
  });

  it('leaves the process when nothing catches an error in the middle of a run', () => {
    const { status, signal } = inProcess("start(); setTimeout(() => { throw new Error('stop'); }, 40);");
    expect({ status, signal }).to.deep.equal({ status: 1, signal: null });
  });

  it('keeps the process alive while a run is under way, and not longer', () => {
    const { status, stdout } = inProcess("start().then(() => console.log('done'));");
    expect({ status, stdout }).to.deep.equal({ status: 0, stdout: 'done' });
  });

  it('survives that nobody holds it any more during a run', () => {
    const { status, stdout } = inProcess(`
      (() => {
        const own = openSession();
        own.load(longProgram(256, 40)).run({ x: new Float32Array(256 * 256) }).then(() => console.log('done'));
      })();
      gc(); setTimeout(gc, 1);`);
    expect({ status, stdout }).to.deep.equal({ status: 0, stdout: 'done' });
  });

  it('ends with a worker thread that is terminated in the middle of a run', () => {
    const { status, stdout, stderr } = inProcess(`
      const code = \`
        import(${programs.replaceAll('"', '\\"')}).then(({ longProgram, openSession }) => {
          openSession().load(longProgram(1024, 60)).run({ x: new Float32Array(1024 * 1024) });
          setTimeout(() => import('node:worker_threads').then(({ parentPort }) => parentPort.postMessage('started')), 20);
        });\`;
      const worker = new Worker(code, { eval: true });
      worker.on('message', async () => { await worker.terminate(); console.log('terminated'); });`);
    expect({ status, stdout, stderr }).to.deep.equal({ status: 0, stdout: 'terminated', stderr: '' });
  });

  it('refuses every call after close, and rejects the runs that were waiting', async () => {
    const session = openSession();
    const program = session.load(longProgram(512, 60));
    const x = floats(512 * 512, () => 0);
    const runs = [program.run({ x }), program.run({ x }), program.run({ x })];
    session.close();
    session.close();
    for (const result of (await Promise.allSettled(runs)).slice(1)) {
      expect(result).to.have.nested.property('reason.message', 'the session was closed during the run');
    }
    expect(() => program.run({ x })).to.throw('the session is closed');
    expect(() => session.states()).to.throw('the session is closed');
    expect(() => session.setState('w', 'f32', [1], null)).to.throw('the session is closed');
  });

  it('does not let states change under a run', async () => {
    const session = openSession();
    session.setState('w', 'f32', [1], null);
    const running = session.load(longProgram(256, 10)).run({ x: new Float32Array(256 * 256) });
    expect(() => session.setState('w', 'f32', [1], null)).to.throw(
      'a run is under way: await it before reading or changing states',
    );
    await running;
    session.setState('w', 'f32', [1], Float32Array.of(3));
    session.close();
  });

  it('keeps two sessions apart', async () => {
    const text = programText(64, 'value 0 state "w" f32 [1]', 'output "w" 0');
    const sessions = [1, 2].map((value) => {
      const session = openSession();
      session.setState('w', 'f32', [1], Float32Array.of(value));
      return session;
    });
    const results = await Promise.all(sessions.map((session) => session.load(text).run({})));
    expect(results.map(({ outputs }) => new Float32Array(outputs.w!)[0])).to.deep.equal([1, 2]);
    for (const session of sessions) session.close();
  });

  it('counts its bytes: states, and one arena as large as the largest program', () => {
    const session = openSession(1);
    session.setState('a', 'f32', [10], null);
    session.setState('b', 'bf16', [10], new Uint16Array(10));
    session.load(longProgram(64, 2));
    session.load(longProgram(16, 2));
    expect(session.bytes()).to.deep.include({ states: 60, arena: 2 * 4 * 64 * 64 });
    session.dropState('a');
    expect(session.states()).to.deep.equal([{ name: 'b', dtype: 'bf16', shape: [10], bytes: 20 }]);
    expect(() => session.dropState('a')).to.throw('there is no state "a"');
    session.close();
  });

  it('refuses wrong arguments with an error that names them', () => {
    const session = openSession(1);
    const set = session.setState.bind(session) as (...args: unknown[]) => void;
    expect(() => set(3, 'f32', [1], null)).to.throw('name must be a string');
    expect(() => set('w', 'f64', [1], null)).to.throw('dtype must be f32, bf16, i32 or u8');
    expect(() => set('w', 'f32', [1.5], null)).to.throw('shape must hold whole numbers of at least 0');
    expect(() => set('w', 'f32', [2], new Float32Array(3))).to.throw('state "w" has 12 bytes, expected 8');
    expect(() => session.getState('w')).to.throw('there is no state "w"');
    session.close();
  });
});
