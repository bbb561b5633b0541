import { expect } from 'chai';
import { SluiceError } from '../../src/errors.js';
import {
  add,
  assign,
  attention,
  concat,
  embedding,
  Graph,
  gradients,
  groupedMatmul,
  linearCrossEntropy,
  matmul,
  mul,
  reshape,
  rmsNorm,
  slice,
  sum,
  topk,
  transpose,
} from '../../src/graph/index.js';

/** Code and message of the SluiceError that `body` throws. */
function refusal(body: () => unknown): { code: string; message: string } {
  try {
    body();
  } catch (error) {
    if (error instanceof SluiceError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('tracing', () => {
  it('gives the same tensor for a name asked for twice', () => {
    const graph = new Graph();
    expect(graph.state('w', 'f32', [2, 3])).to.equal(graph.state('w', 'f32', [2, 3]));
    expect(graph.input('x', 'i32', [4])).to.equal(graph.input('x', 'i32', [4]));
  });

  it('names nested scopes in the order they were entered, and leaves them when the body throws', () => {
    const graph = new Graph();
    const x = graph.input('x', 'f32', [2]);
    const y = graph.scope('layers.0', () => graph.scope('mlp', () => add(x, x)));
    expect(y.scope).to.equal('layers.0.mlp');
    expect(() => graph.scope('broken', () => reshape(x, [3]))).to.throw();
    expect(graph.currentScope).to.equal('');
  });

  it('infers shapes while tracing', () => {
    const graph = new Graph();
    const x = graph.input('x', 'f32', [2, 3, 4]);
    expect(matmul(x, graph.state('w', 'f32', [5, 4]), { transB: true }).shape).to.deep.equal([2, 3, 5]);
    expect(matmul(x, graph.state('u', 'f32', [3, 5]), { transA: true }).shape).to.deep.equal([2, 4, 5]);
    expect(sum(x, { axes: [-1], keepdims: true }).shape).to.deep.equal([2, 3, 1]);
    expect(sum(x).shape).to.deep.equal([]);
    expect(reshape(x, [-1, 4]).shape).to.deep.equal([6, 4]);
    expect(transpose(x, [2, 0, 1]).shape).to.deep.equal([4, 2, 3]);
    expect(slice(x, -1, 1, -1).shape).to.deep.equal([2, 3, 2]);
    expect(topk(x, 2).indices.dtype).to.equal('i32');
  });

  const graph = new Graph();
  const f = (...shape: number[]) => graph.input(`f${shape}`, 'f32', shape);
  const i = (...shape: number[]) => graph.input(`i${shape}`, 'i32', shape);
  const mistakes: [string, () => unknown, string][] = [
    [
      'a product of sizes that do not meet',
      () => graph.scope('layers.3.attention', () => graph.scope('q_proj', () => matmul(f(4, 8), f(16, 32)))),
      'layers.3.attention.q_proj: matmul a f32[4,8], b f32[16,32], bias absent: the inner sizes 8 and 16 differ',
    ],
    [
      'shapes that do not broadcast',
      () => add(f(2, 3), f(2)),
      'add a f32[2,3], b f32[2]: the shapes do not broadcast',
    ],
    [
      'whole numbers where floats belong',
      () => mul(f(2), i(2)),
      'mul a f32[2], b i32[2]: b must be f32, not i32',
    ],
    [
      'ids that are floats',
      () => embedding(f(5, 2), f(3)),
      'embedding weight f32[5,2], ids f32[3]: ids must be i32, not f32',
    ],
    [
      'a weight of another width',
      () => rmsNorm(f(2, 3), f(4), { eps: 1e-5 }),
      'rms_norm x f32[2,3], weight f32[4]: weight must be [3], not [4]',
    ],
    [
      'a reshape that loses elements',
      () => reshape(f(2, 3), [4, -1]),
      'reshape x f32[2,3]: 6 elements do not make [4,-1]',
    ],
    ['an axis that is not there', () => sum(f(2, 3), { axes: [2] }), 'sum of f32[2,3] has no axis 2'],
    [
      'parts that differ off the axis',
      () => concat([f(2, 3), f(3, 3)], 1),
      'concat x f32[2,3] f32[3,3]: the shapes may differ along axis 1 only',
    ],
    ['a slice past the end', () => slice(f(4), 0, 2, 5), 'slice x f32[4]: 2..5 does not lie within axis 0'],
    ['more choices than there are', () => topk(f(2, 3), 4), 'topk x f32[2,3]: k=4 must lie in 1..3'],
    [
      'labels that do not match the tokens',
      () => linearCrossEntropy(f(2, 3, 4), f(9, 4), i(5)),
      'linear_cross_entropy h f32[6,4], w f32[9,4], labels i32[5]: labels must be [6], not [5]',
    ],
    [
      'offsets for another number of experts',
      () => groupedMatmul(f(6, 2), f(3, 2, 5), i(3)),
      'grouped_matmul x f32[6,2], w f32[3,2,5], offsets i32[3]: offsets must be [4], not [3]',
    ],
    [
      'query heads that do not fit the key heads',
      () =>
        attention(f(1, 2, 3, 4), f(1, 2, 2, 4), f(1, 2, 2, 4), {
          qSegments: i(1, 2),
          kSegments: i(1, 2),
          scale: 1,
          causal: true,
        }),
      'attention q f32[1,2,3,4], k f32[1,2,2,4], v f32[1,2,2,4], q_segments i32[1,2], k_segments i32[1,2], ' +
        'q_start absent, bias absent: 3 query heads are no multiple of 2 key heads',
    ],
    [
      'a change of something that is no state',
      () => assign(f(2), f(2)),
      'assign changes its input 0, which must be a state',
    ],
    [
      'a name used for two shapes',
      () => [graph.state('w', 'f32', [2]), graph.state('w', 'f32', [3])],
      'state w is f32[2] already and cannot be f32[3] too',
    ],
    [
      'a tensor of another graph',
      () => add(f(2), new Graph().input('x', 'f32', [2])),
      'add was given a tensor of another graph',
    ],
    [
      'a constant with too few values',
      () => graph.constant([1, 2], [3]),
      'a constant of shape [3] was given 2 values',
    ],
    [
      'a size that is no whole number',
      () => graph.input('y', 'f32', [2.5]),
      'shape [2.5] has a size that is not a whole number',
    ],
  ];
  for (const [name, body, message] of mistakes) {
    it(`refuses ${name}`, () => {
      expect(refusal(body)).to.deep.equal({ code: 'graph.shape', message });
    });
  }

  it('refuses two outputs of one name', () => {
    const other = new Graph();
    const x = other.input('x', 'f32', [1]);
    other.output('y', x);
    expect(refusal(() => other.output('y', x)).message).to.equal('two outputs are called y');
  });

  it('refuses the gradient of something that is not one number', () => {
    const x = f(3);
    expect(refusal(() => gradients(x, [x]))).to.deep.equal({
      code: 'graph.gradient',
      message: 'a loss is one f32, not f32[3]',
    });
  });
});
