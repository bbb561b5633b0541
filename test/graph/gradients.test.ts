import { expect } from 'chai';
import {
  assign,
  attention,
  compile,
  Graph,
  gradients,
  matmul,
  mul,
  square,
  stopGradient,
  sum,
} from '../../src/graph/index.js';
import { expectClose } from '../numerics/compare.js';
import { interpret } from './reference/interpreter.js';
import { tinyData } from './tiny-data.js';
import { tinyDecoder, tinyTrainStep } from './tiny-models.js';

describe('gradients', () => {
  it('of a whole decoder are those of finite differences, for tied, grouped and expert weights alike', () => {
    const { graph, loss, parameters } = tinyDecoder(2);
    graph.output('loss', loss);
    gradients(loss, [...parameters.values()]).forEach((gradient, index) => {
      graph.output([...parameters.keys()][index]!, gradient!);
    });
    const program = compile(graph, { threads: 1 });
    const { inputs, states } = tinyData(program);
    const { outputs } = interpret(program, inputs, states);
    const lossAt = (name: string, index: number, value: number) =>
      interpret(program, inputs, { ...states, [name]: Array.from(states[name]!).with(index, value) }).outputs
        .loss![0]!;
    for (const name of parameters.keys()) {
      const values = Array.from(states[name]!);
      const few = [0, 1, Math.floor(values.length / 2), values.length - 1];
      const numeric = few.map(
        (index) =>
          (lossAt(name, index, values[index]! + 1e-5) - lossAt(name, index, values[index]! - 1e-5)) / 2e-5,
      );
      expectClose(
        few.map((index) => outputs[name]![index]!),
        numeric,
        1e-7,
        name,
      );
    }
  });

  it('are null where the loss does not depend on a tensor', () => {
    const graph = new Graph();
    const [x, y] = [graph.state('x', 'f32', [3]), graph.state('y', 'f32', [3])];
    const count = graph.nodes.length;
    expect(gradients(sum(x), [y])).to.deep.equal([null]);
    expect(graph.nodes.length).to.equal(count + 1); // the sum alone
  });

  it('stop at stopGradient', () => {
    const graph = new Graph();
    const x = graph.input('x', 'f32', [2]);
    const [dx] = gradients(sum(mul(x, stopGradient(x))), [x]);
    graph.output('dx', dx!);
    expect([...interpret(compile(graph, { threads: 1 }), { x: [3, 5] }).outputs.dx!]).to.deep.equal([3, 5]);
  });

  it('of an intermediate tensor can be asked for', () => {
    const graph = new Graph();
    const x = graph.input('x', 'f32', [2]);
    const y = square(x);
    const [dy] = gradients(sum(square(y)), [y]);
    graph.output('dy', dy!);
    expect([...interpret(compile(graph, { threads: 1 }), { x: [1, 2] }).outputs.dy!]).to.deep.equal([2, 8]);
  });

  it('of frozen weights cost no op, no memory and no output', () => {
    const trained = (name: string) => name.endsWith('quality_gate');
    const frozen = compile(tinyTrainStep({ layers: 2, clip: false, trained }).graph, { threads: 1 });
    const full = compile(tinyTrainStep({ layers: 2, clip: false }).graph, { threads: 1 });
    const count = (program: typeof full, op: string) => program.ops.filter((each) => each.op === op).length;
    for (const op of ['embedding_grad', 'grouped_matmul_wgrad', 'attention_grad']) {
      expect(count(full, op), op).to.be.greaterThan(0);
      expect(count(frozen, op), op).to.equal(0);
    }
    const unused = frozen.ops
      .filter((each) => each.op.endsWith('_grad') || each.op.endsWith('_train'))
      .map(({ op, outputs }) => `${op} ${outputs.map((id) => id !== null)}`);
    expect(unused).to.include('linear_cross_entropy_train true,true,true,true,false'); // no gradient of the head
    expect(unused).to.include('rms_norm_grad true,false');
    expect(frozen.arenaBytes).to.be.lessThan(full.arenaBytes);
    expect(count(frozen, 'adamw')).to.equal(1);
  });

  it('are refused after the state they need has changed', () => {
    const graph = new Graph();
    const w = graph.state('w', 'f32', [2, 2]);
    const x = graph.input('x', 'f32', [2, 2]);
    const loss = graph.scope('head', () => sum(matmul(x, w)));
    assign(w, x);
    expect(() => gradients(loss, [x])).to.throw(
      'head: matmul: state w is changed before its gradient is taken',
    );
  });

  it('are refused through attention over a cache', () => {
    const graph = new Graph();
    const q = graph.input('q', 'f32', [1, 1, 1, 2]);
    const segments = graph.input('segments', 'i32', [1, 1]);
    const qStart = graph.input('start', 'i32', [1]);
    const o = attention(q, q, q, {
      qSegments: segments,
      kSegments: segments,
      qStart,
      scale: 1,
      causal: true,
    });
    expect(() => gradients(sum(o), [q])).to.throw(
      'attention: attention with q_start (over a cache) has no gradient',
    );
  });
});
