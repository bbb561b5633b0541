import { expect } from 'chai';
import type { Executable, Session } from '../../src/engine/index.js';
import { SluiceError } from '../../src/errors.js';
import {
  accumulate,
  add,
  compile,
  embedding,
  Graph,
  log,
  matmul,
  mul,
  type Program,
  type TypedArray,
} from '../../src/graph/index.js';
import { useEngine } from '../numerics/native-run.js';

/** y = x * w, and w += x. */
function countingProgram(): Program {
  const graph = new Graph();
  const x = graph.input('x', 'f32', [3]);
  const w = graph.state('w', 'f32', [3]);
  graph.output('y', mul(x, w));
  accumulate(w, x);
  return compile(graph, { threads: 2 });
}

async function refusal(body: () => unknown): Promise<{ code: string; message: string }> {
  try {
    await body();
  } catch (error) {
    if (error instanceof SluiceError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('session', () => {
  const engine = useEngine();
  let session: Session;

  beforeEach(() => {
    session = engine().session({ device: 'cpu', threads: 2 });
  });

  afterEach(() => session.close());

  it('keeps states between runs and hands out copies of them', async () => {
    const given = new Float32Array([1, 2, 3]);
    session.setState('w', 'f32', [3], given);
    given.fill(0); // the session has its own
    const executable = session.load(countingProgram());
    const first = await executable.run({ x: new Float32Array([1, 1, 2]) });
    expect([...first.y!]).to.deep.equal([1, 2, 6]);
    const second = await executable.run({ x: new Float32Array([1, 0, 0]) });
    expect([...second.y!]).to.deep.equal([2, 0, 0]);
    expect(session.getState('w')).to.deep.equal({
      dtype: 'f32',
      shape: [3],
      data: new Float32Array([3, 3, 5]),
    });
    expect([...first.y!], 'an earlier result').to.deep.equal([1, 2, 6]);
  });

  it('runs queued calls in the order they were made', async () => {
    session.setState('w', 'f32', [3], null);
    const executable = session.load(countingProgram());
    const runs = [1, 2, 3].map((value) => executable.run({ x: new Float32Array(3).fill(value) }));
    const results = await Promise.all(runs);
    expect(results.map(({ y }) => y![0])).to.deep.equal([0, 2, 9]);
  });

  it('shares states and one arena between programs', async () => {
    session.setState('w', 'f32', [64, 64], new Float32Array(4096).fill(0.5));
    const product = (rows: number) => {
      const graph = new Graph();
      const x = graph.input('x', 'f32', [rows, 64]);
      graph.output('y', matmul(x, graph.state('w', 'f32', [64, 64])));
      return compile(graph, { threads: 2 });
    };
    const [small, large] = [product(1), product(8)];
    const loaded = [session.load(small), session.load(large)];
    for (const [index, rows] of [1, 8].entries()) {
      const { y } = await loaded[index]!.run({ x: new Float32Array(rows * 64).fill(1) });
      expect(new Set(y)).to.deep.equal(new Set([32]));
    }
    expect(session.bytes()).to.deep.include({
      states: 4 * 4096,
      arena: Math.max(small.arenaBytes, large.arenaBytes),
    });
  });

  it('lists and drops states', () => {
    session.setState('a', 'f32', [2, 2], null);
    session.setState('b', 'i32', [3], new Int32Array([1, 2, 3]));
    session.dropState('a');
    expect(session.states()).to.deep.equal([{ name: 'b', dtype: 'i32', shape: [3], bytes: 12 }]);
  });

  it('profiles each op where it stands', async () => {
    session.setState('w', 'f32', [3], null);
    const executable = session.load(countingProgram());
    executable.setProfiling(true);
    for (let run = 0; run < 3; run++) await executable.run({ x: new Float32Array(3) });
    const profile = executable.profile();
    expect(profile.map(({ index, op, calls }) => `${index} ${op} ${calls}`)).to.deep.equal([
      '0 mul 3',
      '1 accumulate 3',
    ]);
    expect(executable.lastSeconds).to.be.greaterThan(0);
  });

  const wrongInputs: [string, Record<string, TypedArray>, string][] = [
    ['missing', {}, 'input x (f32[3]) is missing'],
    ['too short', { x: new Float32Array(2) }, 'input x of shape [3] needs 3 elements, not 2'],
    [
      'of another type',
      { x: new Int32Array(3) },
      'input x is f32 and takes a Float32Array, not a Int32Array',
    ],
    ['unknown', { x: new Float32Array(3), z: new Float32Array(3) }, "input z is none of this program's: x"],
  ];
  for (const [name, inputs, message] of wrongInputs) {
    it(`refuses an input that is ${name}`, async () => {
      session.setState('w', 'f32', [3], null);
      const executable = session.load(countingProgram());
      expect(await refusal(() => executable.run(inputs))).to.deep.equal({ code: 'engine.input', message });
    });
  }

  const refusals: [string, string, RegExp, () => unknown][] = [
    ['a state that is not there', 'engine.state', /w/, () => session.getState('w')],
    [
      'state data of another type',
      'engine.state',
      /^state w is f32 and takes a Float32Array, not a Int32Array$/,
      () => session.setState('w', 'f32', [2], new Int32Array(2)),
    ],
    [
      'state data of another length',
      'engine.state',
      /^state w of shape \[2\] was given 3 elements$/,
      () => session.setState('w', 'f32', [2], new Float32Array(3)),
    ],
    [
      'a run whose states are missing',
      'engine.run',
      /^state "w" was never set$/,
      () => session.load(countingProgram()).run({ x: new Float32Array(3) }),
    ],
    [
      'a program made for a state of another shape',
      'engine.load',
      /state "w" is f32\[4\]/,
      () => {
        session.setState('w', 'f32', [4], null);
        return session.load(countingProgram()).run({ x: new Float32Array(3) });
      },
    ],
    [
      'a device that does not exist',
      'engine.session',
      /gramophone/,
      () => engine().session({ device: 'gramophone', threads: 1 }),
    ],
    [
      'anything once closed',
      'engine.closed',
      /^the session is closed$/,
      () => {
        session.close();
        return session.states();
      },
    ],
  ];
  for (const [name, code, message, body] of refusals) {
    it(`refuses ${name}`, async () => {
      const error = await refusal(body);
      expect(error.code).to.equal(code);
      expect(error.message).to.match(message);
    });
  }

  it('names the op and the scope of a failure in the middle of a run, and goes on', async () => {
    const graph = new Graph();
    const ids = graph.input('ids', 'i32', [2]);
    graph.output(
      'y',
      graph.scope('embed_tokens', () => embedding(graph.state('table', 'f32', [4, 2]), ids)),
    );
    session.setState('table', 'f32', [4, 2], null);
    const executable = session.load(compile(graph, { threads: 1 }));
    const error = await refusal(() => executable.run({ ids: new Int32Array([1, 4]) }));
    expect(error.code).to.equal('engine.run');
    expect(error.message)
      .to.match(/embedding/)
      .and.match(/embed_tokens/)
      .and.match(/4/);
    const { y } = await executable.run({ ids: new Int32Array([1, 3]) });
    expect(y!.length).to.equal(4);
  });

  it('finds the first op that makes a number that is not finite', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'f32', [2]);
    graph.output(
      'y',
      graph.scope('suspect', () => add(log(x), x)),
    );
    const executable: Executable = session.load(compile(graph, { threads: 1 }));
    expect((await executable.run({ x: new Float32Array([0, 1]) })).y![0]).to.equal(-Infinity);
    executable.setCheckFinite(true);
    const error = await refusal(() => executable.run({ x: new Float32Array([0, 1]) }));
    expect(error.message)
      .to.match(/log/)
      .and.match(/suspect/);
  });

  it('finds the first state that is changed into such a number', async () => {
    const graph = new Graph();
    const [a, b] = [graph.input('a', 'f32', [2, 1]), graph.input('b', 'f32', [1, 2])];
    graph.scope('suspect', () => accumulate(graph.state('sum', 'f32', [2, 2]), matmul(a, b)));
    session.setState('sum', 'f32', [2, 2], null);
    const executable = session.load(compile(graph, { threads: 1 }));
    executable.setCheckFinite(true);
    await executable.run({ a: new Float32Array(2).fill(1e18), b: new Float32Array(2).fill(1e18) });
    const error = await refusal(() =>
      executable.run({ a: new Float32Array(2).fill(1e30), b: new Float32Array(2).fill(1e30) }),
    );
    expect(error.message).to.match(/^accumulate_matmul "suspect".*: state state \[2,2\] is not finite$/);
  });
});
