import { expect } from 'chai';
import {
  accumulate,
  add,
  affine,
  assign,
  compile,
  exp,
  expand,
  full,
  Graph,
  gradients,
  linearCrossEntropy,
  matmul,
  mean,
  mul,
  neg,
  type Program,
  parseProgram,
  reshape,
  slice,
  square,
  sum,
  type Tensor,
  transpose,
} from '../../src/graph/index.js';
import { expectClose } from '../numerics/compare.js';
import { interpret } from './reference/interpreter.js';
import { tinyData } from './tiny-data.js';
import { tinyTrainStep } from './tiny-models.js';

const opNames = ({ ops }: Program) => ops.map(({ op }) => op).join(' ');

/** Compiles what `build` outputs as `y` from x f32[2,3]. */
function compiled(
  build: (x: ReturnType<Graph['input']>, graph: Graph) => ReturnType<Graph['input']>,
): Program {
  const graph = new Graph();
  graph.output('y', build(graph.input('x', 'f32', [2, 3]), graph));
  return compile(graph, { threads: 1 });
}

describe('passes', () => {
  const rewrites: [string, Parameters<typeof compiled>[0], string][] = [
    ['drops what nobody needs', (x) => [exp(x), square(x)][1]!, 'square'],
    [
      'drops a product with 1 and a sum with 0',
      (x, graph) => add(mul(x, full(graph, [3], 1)), full(graph, [], 0)),
      '',
    ],
    ['folds chains of scale and shift', (x) => affine(affine(x, 2, 1), 0.5, 3), 'affine'],
    ['joins reshapes', (x) => neg(reshape(reshape(x, [6]), [3, 2])), 'neg'],
    ['undoes a transpose of a transpose', (x) => transpose(transpose(x, [1, 0]), [1, 0]), ''],
    ['computes the same thing once', (x) => mul(exp(x), exp(x)), 'exp mul'],
    [
      'does not repeat what broadcasts anyway',
      (x, graph) => mul(x, expand(graph.constant([1, 2, 3]), [2, 3])),
      'mul',
    ],
    [
      'keeps a repetition that gives the shape',
      (x, graph) => add(expand(full(graph, [1], 2), [2, 3]), sum(x)),
      'sum affine',
    ],
  ];
  for (const [name, build, wanted] of rewrites) {
    it(`${name}`, () => {
      const program = compiled(build);
      if (name.startsWith('keeps')) expect(program.outputTypes[0]!.shape).to.deep.equal([2, 3]);
      else expect(opNames(program)).to.equal(wanted);
    });
  }

  it('leave one op of the gradient of a mean square', () => {
    const graph = new Graph();
    const x = graph.input('x', 'f32', [2, 3]);
    const [dx] = gradients(mean(square(x)), [x]);
    graph.output('dx', dx!);
    const program = compile(graph, { threads: 1 });
    expect(opNames(program)).to.equal('affine');
    const { outputs } = interpret(program, { x: [1, 2, 3, 4, 5, 6] });
    expectClose(
      outputs.dx!,
      [1, 2, 3, 4, 5, 6].map((value) => value / 3),
      1e-15,
      'dx',
    );
  });

  it('join the gradients of the slices of a tensor, in whatever order they are added up', () => {
    const graph = new Graph();
    const x = graph.input('x', 'f32', [2, 6]);
    const [first, middle, last] = [
      [0, 1],
      [1, 4],
      [4, 6],
    ].map(([start, stop]) => slice(x, 1, start!, stop)) as [Tensor, Tensor, Tensor];
    const loss = sum(add(mul(first, sum(square(middle))), sum(exp(last))));
    graph.output('dx', gradients(loss, [x])[0]!);
    const program = compile(graph, { threads: 1 });
    expect(opNames(program)).to.include('concat').and.not.to.include('pad');
    const values = Array.from({ length: 12 }, (_, i) => Math.sin(i));
    const { outputs } = interpret(program, { x: values });
    const squares = [0, 1].flatMap((row) => [1, 2, 3].map((i) => values[6 * row + i]! ** 2));
    const wanted = values.map((value, i) => {
      if (i % 6 === 0) return squares.reduce((total, square) => total + square, 0);
      return i % 6 < 4 ? 2 * value * (values[0]! + values[6]!) : 2 * Math.exp(value);
    });
    expectClose(outputs.dx!, wanted, 1e-12, 'dx');
  });

  it('leave slices that overlap, or that leave something out, as they are', () => {
    for (const stop of [4, 2]) {
      const graph = new Graph();
      const x = graph.input('x', 'f32', [2, 6]);
      const loss = sum(add(sum(square(slice(x, 1, 0, stop))), sum(exp(slice(x, 1, 3, 6)))));
      graph.output('dx', gradients(loss, [x])[0]!);
      expect(opNames(compile(graph, { threads: 1 }))).to.match(/pad .*pad .*add/);
    }
  });

  it('read a state again after it has changed', () => {
    const graph = new Graph();
    const w = graph.state('w', 'f32', [2]);
    const before = exp(w);
    assign(w, graph.input('x', 'f32', [2]));
    graph.output('y', add(before, exp(w)));
    const program = compile(graph, { threads: 1 });
    const { outputs, states } = interpret(program, { x: [1, 1] }, { w: [0, 0] });
    expect([...outputs.y!]).to.deep.equal([1 + Math.E, 1 + Math.E]);
    expect([...states.w!]).to.deep.equal([1, 1]);
  });

  it('move an update up to its gradient, but not past a reader of the old value', () => {
    const graph = new Graph();
    const [a, b] = [graph.state('a', 'f32', [2]), graph.state('b', 'f32', [2])];
    const x = graph.input('x', 'f32', [2]);
    const first = exp(x);
    const second = mul(square(x), a); // reads a
    accumulate(b, first);
    accumulate(a, first);
    graph.output('y', second);
    expect(opNames(compile(graph, { threads: 1 }))).to.equal('exp accumulate square mul accumulate');
    const { outputs, states } = interpret(
      compile(graph, { threads: 1 }),
      { x: [0, 2] },
      { a: [5, 5], b: [0, 0] },
    );
    expect([...outputs.y!]).to.deep.equal([0, 20]);
    expect([...states.a!]).to.deep.equal([6, 5 + Math.exp(2)]);
  });

  it('update each weight as soon as its gradient is there when nothing waits for all of them', () => {
    const ops = compile(tinyTrainStep({ layers: 2, clip: false }).graph, { threads: 1 }).ops;
    const firstUpdate = ops.findIndex(({ op }) => op === 'adamw');
    const lastGradient = ops.findLastIndex(({ op }) => op.endsWith('_grad'));
    expect(firstUpdate).to.be.lessThan(lastGradient);
  });
});

describe('a loss and its gradient', () => {
  const h = (graph: Graph) => graph.input('h', 'f32', [3, 4]);
  const loss = (graph: Graph) =>
    linearCrossEntropy(h(graph), graph.state('w', 'f32', [5, 4]), graph.input('labels', 'i32', [3])).loss;

  it('are one op where the weight of each token is known beforehand', () => {
    const graph = new Graph();
    const weighted = mul(loss(graph), exp(graph.input('weight', 'f32', [3])));
    graph.output('loss', sum(weighted));
    graph.output('dh', gradients(sum(weighted), [h(graph)])[0]!);
    const program = compile(graph, { threads: 1 });
    expect(opNames(program)).to.match(/^exp .*linear_cross_entropy_train mul sum$/);
    expect(program.ops.find(({ op }) => op === 'linear_cross_entropy_train')!.outputs[4]).to.equal(null); // no dw
  });

  it('stay two where the weight depends on the loss', () => {
    const graph = new Graph();
    graph.output('dh', gradients(sum(square(loss(graph))), [h(graph)])[0]!);
    expect(opNames(compile(graph, { threads: 1 }))).to.match(
      /linear_cross_entropy .*linear_cross_entropy_grad/,
    );
  });

  it('stay two where the weight is a state that changes in between', () => {
    const graph = new Graph();
    const weight = graph.state('weight', 'f32', [3]);
    const total = sum(mul(loss(graph), weight));
    accumulate(graph.state('total', 'f32', []), total);
    graph.output('dh', gradients(total, [h(graph)])[0]!);
    expect(opNames(compile(graph, { threads: 1 }))).to.match(/linear_cross_entropy_train/);
    const other = new Graph();
    const each = loss(other);
    assign(other.state('weight', 'f32', [3]), each);
    const [dh] = gradients(sum(mul(each, other.state('weight', 'f32', [3]))), [h(other)]);
    other.output('dh', dh!);
    expect(opNames(compile(other, { threads: 1 }))).to.match(/linear_cross_entropy_grad/);
  });
});

describe('a sum of products', () => {
  const rows = (graph: Graph, name: string, width: number) => graph.input(name, 'f32', [2, 5, width]);
  const numbers = (count: number) => Array.from({ length: count }, (_, i) => ((i * 7) % 11) - 5);

  /** y = x w^T + bias + u b + x0, as an adapted layer and the residual connection around it make it. */
  function adapted(graph: Graph): Tensor {
    const product = matmul(rows(graph, 'x', 4), graph.input('w', 'f32', [3, 4]), {
      transB: true,
      bias: graph.input('bias', 'f32', [3]),
    });
    const more = matmul(rows(graph, 'u', 2), graph.input('b', 'f32', [2, 3]));
    return add(rows(graph, 'x0', 3), add(product, more));
  }

  it('is one op with all that is added, and the same number', () => {
    const graph = new Graph();
    graph.output('y', adapted(graph));
    const program = compile(graph, { threads: 1 });
    expect(opNames(program)).to.equal('matmul_sum');
    const given = { x: numbers(40), w: numbers(12), bias: [1, 2, 3], u: numbers(20), b: numbers(6) };
    const { outputs } = interpret(program, { ...given, x0: numbers(30) });
    const wanted = numbers(30).map((x0, at) => {
      const [row, j] = [Math.floor(at / 3), at % 3];
      const dot = (depth: number, value: (k: number) => number) =>
        Array.from({ length: depth }, (_, k) => value(k)).reduce((sum, term) => sum + term, 0);
      const product = dot(4, (k) => given.x[4 * row + k]! * given.w[4 * j + k]!);
      return x0 + given.bias[j]! + product + dot(2, (k) => given.u[2 * row + k]! * given.b[3 * k + j]!);
    });
    expectClose(outputs.y!, wanted, 1e-12, 'y');
  });

  it('takes a second addend by an op of its own', () => {
    const graph = new Graph();
    graph.output('y', add(adapted(graph), rows(graph, 'more', 3)));
    expect(opNames(compile(graph, { threads: 1 }))).to.equal('matmul_sum add');
  });

  it('has eight products at most', () => {
    const graph = new Graph();
    const products = Array.from({ length: 9 }, (_, i) =>
      matmul(rows(graph, 'x', 4), graph.input(`w${i}`, 'f32', [4, 3])),
    );
    graph.output(
      'y',
      products.reduce((sum, product) => add(sum, product)),
    );
    expect(opNames(compile(graph, { threads: 1 }))).to.equal('matmul matmul_sum');
  });

  it('is left alone where a product is read twice, is of batches, or is broadcast', () => {
    const graph = new Graph();
    const x = rows(graph, 'x', 4);
    const twice = matmul(x, graph.input('w', 'f32', [4, 3]));
    const batches = matmul(x, graph.input('b', 'f32', [2, 4, 3]));
    const row = matmul(graph.input('r', 'f32', [1, 4]), graph.input('w', 'f32', [4, 3]));
    graph.output('twice', twice);
    graph.output('y', add(add(twice, batches), row));
    expect(opNames(compile(graph, { threads: 1 }))).to.not.include('matmul_sum');
  });

  it('is left alone where a state that a product reads has changed since', () => {
    const graph = new Graph();
    const w = graph.state('w', 'f32', [4, 3]);
    const product = matmul(rows(graph, 'x', 4), w);
    accumulate(w, graph.input('more', 'f32', [4, 3]));
    graph.output('y', add(product, rows(graph, 'x0', 3)));
    expect(opNames(compile(graph, { threads: 1 }))).to.equal('matmul accumulate add');
  });

  it('is left alone where a bias or an addend that is a state has changed since', () => {
    const graph = new Graph();
    const bias = graph.state('bias', 'f32', [3]);
    const addend = graph.state('addend', 'f32', [2, 5, 3]);
    const biased = matmul(rows(graph, 'x', 4), graph.input('w', 'f32', [4, 3]), { bias });
    const summed = add(matmul(rows(graph, 'x', 4), graph.input('v', 'f32', [4, 3])), addend);
    accumulate(bias, graph.input('more', 'f32', [3]));
    accumulate(addend, rows(graph, 'rest', 3));
    graph.output('biased', add(biased, rows(graph, 'x0', 3)));
    graph.output('summed', add(summed, matmul(rows(graph, 'u', 2), graph.input('b', 'f32', [2, 3]))));
    const program = compile(graph, { threads: 1 });
    const sums = program.ops.filter(({ op }) => op === 'matmul_sum');
    expect(opNames(program)).to.equal('matmul accumulate matmul_sum accumulate add matmul_sum');
    expect(sums.map(({ inputs }) => inputs.length)).to.deep.equal([4, 4]);
  });

  it('is left alone where rows are independent', () => {
    const graph = new Graph();
    graph.output('y', adapted(graph));
    const program = compile(graph, { threads: 1, independentRows: true });
    expect(opNames(program)).to.equal('matmul matmul add add');
  });

  it('has operands in bf16 and is rounded once', () => {
    const graph = new Graph();
    const layer = adapted(graph);
    graph.output('y', sum(square(layer)));
    const program = compile(graph, { threads: 1, dtype: 'bf16' });
    const op = program.ops.find(({ op: name }) => name === 'matmul_sum')!;
    const dtypes = op.inputs.map((id) => id !== null && program.values[id]!.dtype);
    expect(dtypes).to.deep.equal(['f32', 'f32', 'bf16', 'bf16', 'bf16', 'bf16']);
  });
});

describe('a gradient that is summed up', () => {
  const shape = [4, 3] as const;
  const rows = (graph: Graph) => [graph.input('dy', 'f32', [5, 4]), graph.input('x', 'f32', [5, 3])] as const;
  const sums = (graph: Graph) => graph.state('sum', 'f32', shape);

  it('is added where the sum lies, by the product or the lookup that makes it', () => {
    const graph = new Graph();
    const [dy, x] = rows(graph);
    const ids = graph.input('ids', 'i32', [5]);
    accumulate(sums(graph), matmul(dy, x, { transA: true }));
    accumulate(sums(graph), graph.emit('embedding_grad', { dy: x, ids }, { rows: 4 }).dweight);
    const program = compile(graph, { threads: 1 });
    expect(opNames(program)).to.equal('accumulate_matmul accumulate_embedding_grad');
    expect(program.arenaBytes).to.equal(0);
    const numbers = (count: number) => Array.from({ length: count }, (_, i) => (i % 7) - 3);
    const given = { dy: numbers(20), x: numbers(15), ids: [0, 3, 3, 1, 0] };
    const { states } = interpret(program, given, { sum: numbers(12) });
    const wanted = numbers(12);
    for (let row = 0; row < 5; row++) {
      for (let j = 0; j < 3; j++) {
        for (let i = 0; i < 4; i++) wanted[3 * i + j]! += given.dy[4 * row + i]! * given.x[3 * row + j]!;
        wanted[3 * given.ids[row]! + j]! += given.x[3 * row + j]!;
      }
    }
    expect([...states.sum!]).to.deep.equal(wanted);
  });

  it('is a tensor of its own where something else reads it, or the sum is read in between', () => {
    const graph = new Graph();
    const gradient = matmul(...rows(graph), { transA: true });
    accumulate(sums(graph), gradient);
    graph.output('gradient', gradient);
    expect(opNames(compile(graph, { threads: 1 }))).to.equal('matmul accumulate');

    const other = new Graph();
    const late = matmul(...rows(other), { transA: true });
    other.output('before', exp(sums(other)));
    accumulate(sums(other), late);
    expect(opNames(compile(other, { threads: 1 }))).to.equal('matmul exp accumulate');
  });
});

describe('memory plan', () => {
  for (const clip of [false, true]) {
    it(`gives a training step ${clip ? 'with' : 'without'} clipping the results of separate memory`, () => {
      const program = compile(tinyTrainStep({ layers: 3, clip }).graph, { threads: 2 });
      const { inputs, states } = tinyData(program);
      const apart = interpret(program, inputs, states);
      expect(interpret(program, inputs, states, { inArena: true })).to.deep.equal(apart);
      expect(apart.outputs.loss![0]).to.be.within(1, 10);
      expect(apart.states['0.q_proj']).to.not.deep.equal(Float64Array.from(states['0.q_proj']!));
    });
  }

  it('needs hardly more than what is alive at once', () => {
    const program = compile(tinyTrainStep({ layers: 6, clip: false }).graph, { threads: 2 });
    const separate = program.values.reduce(
      (sum, value) => (value.kind === 'temp' ? sum + 4 * value.shape.reduce((a, b) => a * b, 1) : sum),
      0,
    );
    expect(program.arenaBytes).to.be.lessThan(separate / 2);
  });

  it('writes a chain of elementwise ops over one buffer', () => {
    const program = compiled((x) => affine(exp(neg(exp(x))), 2, 1));
    const offsets = program.values.flatMap((value) => (value.kind === 'temp' ? [value.offset] : []));
    expect(offsets).to.deep.equal([0, 0, 0, 0]);
    expect(program.arenaBytes).to.equal(64);
  });

  it('does not overwrite what is still needed, an output, an input or a state', () => {
    const graph = new Graph();
    const x = graph.input('x', 'f32', [4]);
    const w = graph.state('w', 'f32', [4]);
    const y = exp(x);
    graph.output('y', y);
    graph.output('z', neg(y));
    graph.output('v', neg(w));
    const program = compile(graph, { threads: 1 });
    const run = interpret(program, { x: [0, 0, 0, 0] }, { w: [1, 2, 3, 4] }, { inArena: true });
    expect([...run.outputs.y!]).to.deep.equal([1, 1, 1, 1]);
    expect([...run.outputs.z!]).to.deep.equal([-1, -1, -1, -1]);
    expect([...run.states.w!]).to.deep.equal([1, 2, 3, 4]);
  });

  it('aligns every place to 64 bytes and keeps it inside the arena', () => {
    const { values, ops, arenaBytes } = compile(tinyTrainStep({ layers: 2, clip: true }).graph, {
      threads: 2,
    });
    for (const value of values) {
      if (value.kind !== 'temp') continue;
      expect(value.offset % 64).to.equal(0);
      expect(value.offset + 4 * value.shape.reduce((a, b) => a * b, 1)).to.be.at.most(arenaBytes);
    }
    for (const { scratch } of ops) {
      if (!scratch) continue;
      expect(scratch.offset % 64).to.equal(0);
      expect(scratch.offset + scratch.bytes).to.be.at.most(arenaBytes);
    }
  });
});

describe('program text', () => {
  it('of a training step reads back as the same program', () => {
    const program = compile(tinyTrainStep({ layers: 2, clip: true }).graph, { threads: 2 });
    expect(parseProgram(program.text)).to.deep.equal(program);
  });

  it('is what the format says', () => {
    const graph = new Graph();
    const x = graph.input('x "quoted"', 'f32', [2, 2]);
    const w = graph.state('w', 'f32', [4]);
    const y = graph.scope(
      'block',
      () => graph.emit('clamp', { x: reshape(x, [4]) }, { min: -Infinity, max: 1e-7 }).y,
    );
    graph.output('sum', add(add(y, w), graph.constant([0.5, -0, 3, 1e21])));
    expect(compile(graph, { threads: 2 }).text).to.equal(
      [
        'sluice-program 1',
        'threads 2',
        'arena 64',
        'value 0 state "w" f32 [4]',
        'value 1 input "x \\"quoted\\"" f32 [2,2]',
        'value 2 const f32 [4] 0.5 -0 3 1e+21',
        'value 3 alias 1 f32 [4]',
        'value 4 temp @0 f32 [4]',
        'value 5 temp @0 f32 [4]',
        'value 6 temp @0 f32 [4]',
        'output "sum" 6',
        'op clamp (3) -> (4) {min=-inf max=1e-7} "block"',
        'op add (4,0) -> (5) {} ""',
        'op add (5,2) -> (6) {} ""',
        '',
      ].join('\n'),
    );
  });

  const broken: [string, string, string][] = [
    [
      'another version',
      'sluice-program 2\n',
      'program line 1: a program starts with "sluice-program 1": sluice-program 2',
    ],
    [
      'no end of the header',
      'sluice-program 1\nthreads 1',
      'program: expected arena and a number: the text ends',
    ],
    [
      'an unknown op',
      'sluice-program 1\nthreads 1\narena 0\nop dance () -> () {} ""',
      'program line 4: there is no op dance: op dance () -> () {} ""',
    ],
    [
      'a gap in the values',
      'sluice-program 1\nthreads 1\narena 0\nvalue 1 temp @0 f32 [2]',
      'program line 4: the next value is 0: value 1 temp @0 f32 [2]',
    ],
  ];
  for (const [name, text, message] of broken) {
    it(`with ${name} is refused`, () => {
      expect(() => parseProgram(text)).to.throw(message);
    });
  }
});
