import { expect } from 'chai';
import { loadAddon, type NativeSession } from '../../src/engine/addon.js';
import { floats, lookupProgram, programText } from './programs.js';

const openEmulator = (schedule = 'ascending') =>
  new (loadAddon().Session)({ device: `emulator:${schedule}`, threads: 1 });

/** One step of training in small: y = x w, and w changes by it. */
const step = programText(
  4096,
  'value 0 input "x" f32 [5,7]',
  'value 1 state "w" f32 [7,3]',
  'value 2 temp @0 f32 [5,3]',
  'value 3 temp @64 f32 [7,3]',
  'output "y" 2',
  'op matmul (0,1,_) -> (2) {trans_a=0 trans_b=0} "project"',
  'op matmul (0,2,_) -> (3) {trans_a=1 trans_b=0} "back"',
  'op accumulate (1,3) -> () {}',
);

const inputOf = (run: number) => ({ x: floats(35, (i) => Math.sin(i + 10 * run) / 3) });

/** The outputs of runs one after another, and the state that they leave. */
async function results(session: NativeSession, runs: number): Promise<number[][]> {
  session.setState(
    'w',
    'f32',
    [7, 3],
    floats(21, (i) => Math.cos(i)),
  );
  const program = session.load(step);
  const all: number[][] = [];
  for (let run = 0; run < runs; run++)
    all.push([...new Float32Array((await program.run(inputOf(run))).outputs.y!)]);
  return [...all, [...new Float32Array(session.getState('w').data)]];
}

describe('the GPU back end', () => {
  it('gives the same bits when it plays a recorded run, sees changed inputs and changes its states', async () => {
    // the first run is run, the second recorded, those after it played; in a watched session each is run anew
    const recorded = openEmulator();
    const played = await results(recorded, 5);
    const watched = openEmulator();
    watched.setState(
      'w',
      'f32',
      [7, 3],
      floats(21, (i) => Math.cos(i)),
    );
    const program = watched.load(step);
    program.setCheckFinite(true);
    const anew: number[][] = [];
    for (let run = 0; run < 5; run++)
      anew.push([...new Float32Array((await program.run(inputOf(run))).outputs.y!)]);
    anew.push([...new Float32Array(watched.getState('w').data)]);
    expect(played).to.deep.equal(anew);
    expect(new Set(played.map(String)).size).to.equal(6);
    recorded.close();
    watched.close();
  });

  it('records anew where memory has moved', async () => {
    const session = openEmulator();
    session.setState(
      'w',
      'f32',
      [7, 3],
      floats(21, (i) => i),
    );
    const program = session.load(step);
    for (let run = 0; run < 3; run++) await program.run(inputOf(run));
    session.dropState('w');
    session.setState('w', 'f32', [7, 3], new Float32Array(21));
    const { outputs } = await program.run(inputOf(3));
    expect([...new Float32Array(outputs.y!)]).to.deep.equal(new Array(15).fill(0));
    session.close();
  });

  it('names the op whose index lies outside, also in a played run, and goes on', async () => {
    const session = openEmulator('shuffled');
    session.setState('w', 'f32', [3, 2], Float32Array.of(1, 2, 3, 4, 5, 6));
    const program = session.load(lookupProgram);
    for (let run = 0; run < 4; run++) {
      const { outputs } = await program.run({ ids: Int32Array.of(1, 2) });
      expect([...new Float32Array(outputs.y!)]).to.deep.equal([3, 4, 5, 6]);
      const failed = await program.run({ ids: Int32Array.of(1, 7) }).catch((error: Error) => error.message);
      expect(failed).to.equal(
        'embedding "model.embed_tokens" (line 8, emulator): a number in its indices lies outside what they may name',
      );
    }
    session.close();
  });

  it('says how much memory its device could still give', () => {
    const session = openEmulator();
    expect(session.bytes().available).to.equal(2 ** 30); // the emulator's, made up
    session.close();
  });

  it('says what is missing where there is no GPU, and knows its own names only', () => {
    const { Session, gpus } = loadAddon();
    const { devices, problems } = gpus();
    for (const kind of ['cuda', 'metal'] as const) {
      const problem = problems[kind];
      if (problem === null) continue;
      expect(problem.toLowerCase()).to.include(kind);
      expect(() => new Session({ device: kind, threads: 1 }), kind).to.throw(problem);
      expect(() => loadAddon().gpuRates(kind)).to.throw(new RegExp(kind, 'i'));
    }
    if (problems.cuda === null) {
      expect(() => new Session({ device: `cuda:${devices.length}`, threads: 1 })).to.throw(
        `there is no cuda:${devices.length}`,
      );
    }
    for (const device of [
      'cuda:',
      'cuda:x',
      'cuda:-1',
      'metal:0',
      'emulator:sideways',
      'emulator:ascending-0',
    ])
      expect(() => new Session({ device, threads: 1 }), device).to.throw(
        `device '${device}' is none that Sluice knows`,
      );
  });
});
