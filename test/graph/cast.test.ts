import { expect } from 'chai';
import {
  accumulate,
  add,
  assign,
  cast,
  compile,
  concat,
  Graph,
  gradients,
  matmul,
  neg,
  type Program,
  parseProgram,
  reshape,
  rmsNorm,
  silu,
  softmax,
  type Tensor,
} from '../../src/graph/index.js';
import { expectClose } from '../numerics/compare.js';
import { interpret } from './reference/interpreter.js';
import { tinyData } from './tiny-data.js';
import { tinyDecoder, tinyTrainStep } from './tiny-models.js';

/** `op:dtype of output 0` of every op of what `build` outputs as `y`; x is f32 [4,16], w the state f32 [16,16]. */
function stored(build: (x: Tensor, w: Tensor, graph: Graph) => Tensor): string {
  const graph = new Graph();
  graph.output('y', build(graph.input('x', 'f32', [4, 16]), graph.state('w', 'f32', [16, 16]), graph));
  return listed(compile(graph, { threads: 1, dtype: 'bf16' }));
}

const listed = ({ ops, values }: Program) =>
  ops.map(({ op, outputs }) => (outputs.length ? `${op}:${values[outputs[0]!]!.dtype}` : op)).join(' ');

describe('the cast to bf16', () => {
  const cases: [string, Parameters<typeof stored>[0], string][] = [
    ['leaves what no product is near', (x) => neg(x), 'neg:f32'],
    [
      'gives products bf16 and takes their results as f32 where they leave',
      (x, w) => matmul(x, w),
      'cast:bf16 cast:bf16 matmul:f32',
    ],
    [
      'stores what only products and elementwise ops read as bf16',
      (x, w) => matmul(silu(matmul(x, w)), w),
      'cast:bf16 cast:bf16 matmul:bf16 silu:bf16 matmul:f32',
    ],
    [
      'copies a weight once for all its products',
      (x, w) => matmul(matmul(matmul(x, w), w), w, { transB: true }),
      'cast:bf16 cast:bf16 matmul:bf16 matmul:bf16 matmul:f32',
    ],
    [
      'copies once what is read in two shapes',
      (x, w) => concat([matmul(x, w), reshape(matmul(reshape(x, [2, 2, 16]), w), [4, 16])], 0),
      'cast:bf16 cast:bf16 matmul:f32 matmul:f32 concat:f32',
    ],
    [
      'keeps the terms of a sum f32 while it runs on',
      (_x, w) => neg(add(add(w, matmul(w, w, { transA: true })), matmul(silu(w), w, { transA: true }))),
      'cast:bf16 matmul:f32 add:f32 silu:bf16 matmul:f32 add:bf16 neg:f32',
    ],
    [
      'rounds a sum of products once, at its end',
      (x, w) => neg(add(add(x, matmul(x, w)), matmul(silu(x), w))),
      'silu:bf16 cast:bf16 cast:bf16 matmul_sum:bf16 neg:f32',
    ],
    [
      'keeps f32 what a softmax reads',
      (x, w) => matmul(softmax(matmul(x, w)), w),
      'cast:bf16 cast:bf16 matmul:f32 softmax:f32 cast:bf16 matmul:f32',
    ],
    [
      'joins parts of one dtype only',
      (x, w) => matmul(concat([matmul(x, w), x], 0), w),
      'cast:bf16 cast:bf16 matmul:bf16 cast:f32 concat:f32 cast:bf16 matmul:f32',
    ],
    [
      'stores as bf16 at once what is cast to it',
      (x, w) => cast(matmul(x, w), 'bf16'),
      'cast:bf16 cast:bf16 matmul:bf16',
    ],
    [
      'keeps narrow rows, such as scores, f32',
      (x, _w, graph) => silu(silu(matmul(x, graph.state('score', 'f32', [1, 16]), { transB: true }))),
      'cast:bf16 cast:bf16 matmul:f32 silu:f32 silu:f32',
    ],
  ];
  for (const [name, build, wanted] of cases) {
    it(name, () => expect(stored(build)).to.equal(wanted));
  }

  it('copies a weight again once it has changed', () => {
    const graph = new Graph();
    const [x, w] = [graph.input('x', 'f32', [16, 16]), graph.state('w', 'f32', [16, 16])];
    const first = matmul(x, w);
    assign(w, first);
    graph.output('y', matmul(x, w));
    expect(listed(compile(graph, { threads: 1, dtype: 'bf16' }))).to.equal(
      'cast:bf16 cast:bf16 matmul:f32 assign cast:bf16 matmul:f32',
    );
  });

  it('leaves states and what is added to them f32', () => {
    const graph = new Graph();
    const [x, w] = [graph.input('x', 'f32', [4, 16]), graph.state('w', 'f32', [16, 16])];
    accumulate(graph.state('sum', 'f32', [16, 16]), matmul(x, matmul(x, w), { transA: true }));
    const program = compile(graph, { threads: 1, dtype: 'bf16' });
    expect(program.states.map(({ dtype }) => dtype)).to.deep.equal(['f32', 'f32']);
    expect(listed(program)).to.equal('cast:bf16 cast:bf16 matmul:bf16 accumulate_matmul');
  });

  it('prints programs that read back as themselves', () => {
    const program = compile(tinyTrainStep({ layers: 2, clip: true }).graph, { threads: 1, dtype: 'bf16' });
    expect(parseProgram(program.text)).to.deep.equal(program);
  });

  it('changes a training step by no more than the rounding of what it stores', () => {
    const step = tinyTrainStep({ layers: 2, clip: true });
    const run = (dtype: 'fp32' | 'bf16') => {
      const program = compile(step.graph, { threads: 1, dtype });
      const { inputs, states } = tinyData(program);
      return interpret(program, inputs, states);
    };
    const [wide, narrow] = [run('fp32'), run('bf16')];
    expectClose(narrow.outputs.loss!, wide.outputs.loss!, 2 ** -8, 'loss');
    expect(narrow.outputs.loss).not.to.deep.equal(wide.outputs.loss);
    expectClose(narrow.outputs.gradient_norm!, wide.outputs.gradient_norm!, 2 ** -5, 'gradient norm');
  });

  it('gives every parameter the gradient of fp32, to within what bf16 can tell apart', () => {
    const { graph, loss, parameters } = tinyDecoder(2);
    gradients(loss, [...parameters.values()]).forEach((gradient, index) => {
      graph.output([...parameters.keys()][index]!, gradient!);
    });
    const run = (dtype: 'fp32' | 'bf16', seed: number) => {
      const program = compile(graph, { threads: 1, dtype });
      const { inputs, states } = tinyData(program, seed);
      return interpret(program, inputs, states).outputs;
    };
    const seeds = Array.from({ length: 8 }, (_, seed) => seed);
    const runs = seeds.map((seed) => ({ wide: run('fp32', seed), narrow: run('bf16', seed) }));
    const length = (values: readonly number[]) => Math.hypot(...values);
    for (const name of parameters.keys()) {
      const errors = runs.map(({ wide, narrow }) => {
        const [right, given] = [Array.from(wide[name]!), narrow[name]!];
        return length(right.map((value, i) => value - given[i]!)) / length(right);
      });
      // a dozen independent roundings of 2^-9 each on the way back through two layers: sqrt(12) 2^-9 is 0.007
      expect(errors.reduce((sum, error) => sum + error, 0) / errors.length, name).to.be.below(2 ** -6);
    }
  });

  it('holds for the backward pass of a norm a bf16 copy of its input, which the forward pass reads too', () => {
    const { ops, values } = compile(tinyTrainStep({ layers: 2, clip: true }).graph, {
      threads: 1,
      dtype: 'bf16',
    });
    const [forward, backward] = ['rms_norm', 'rms_norm_grad'].map((wanted) =>
      ops.filter(({ op }) => op === wanted).map(({ inputs }) => inputs[wanted === 'rms_norm' ? 0 : 1]!),
    );
    expect(backward!.map((id) => values[id]!.dtype)).to.deep.equal(backward!.map(() => 'bf16'));
    expect(backward!.toSorted()).to.deep.equal(forward!.toSorted());
    const { graph, loss } = tinyDecoder(2);
    graph.output('loss', loss);
    const alone = compile(graph, { threads: 1, dtype: 'bf16' });
    const read = alone.ops.filter(({ op }) => op === 'rms_norm').map(({ inputs }) => inputs[0]!);
    expect(read.map((id) => alone.values[id]!.dtype)).to.include('f32');
  });

  it('needs less memory', () => {
    const { graph } = tinyTrainStep({ layers: 4, clip: false });
    const bytes = (dtype: 'fp32' | 'bf16') => compile(graph, { threads: 1, dtype }).arenaBytes;
    expect(bytes('bf16')).to.be.below(bytes('fp32'));
  });

  it('stores a norm in front of a product as bf16, its statistics as f32', () => {
    const graph = new Graph();
    const x = graph.input('x', 'f32', [4, 16]);
    const y = rmsNorm(x, graph.state('norm', 'f32', [16]), { eps: 1e-5 });
    graph.output('y', matmul(y, graph.state('w', 'f32', [16, 16])));
    const { ops, values } = compile(graph, { threads: 1, dtype: 'bf16' });
    const norm = ops.find(({ op }) => op === 'rms_norm')!;
    expect(norm.outputs.map((id) => values[id!]!.dtype)).to.deep.equal(['bf16', 'f32']);
  });
});
