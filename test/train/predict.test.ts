import { expect } from 'chai';
import { compile, Graph, matmul, relu } from '../../src/graph/index.js';
import { predict } from '../../src/train/predict.js';

describe('a prediction', () => {
  const machine = { name: 'x', memory_bytes: 1e9, bytes_per_second: 1e9, f32_flops: 1e9, bf16_flops: 4e9 };

  it('gives every op the longer of its arithmetic and its bytes', () => {
    const graph = new Graph();
    const x = graph.input('x', 'f32', [100, 200]);
    graph.output('y', relu(matmul(x, graph.state('w', 'f32', [200, 50]))));
    const { seconds, arithmeticSeconds, byteSeconds, ops } = predict(
      [{ program: compile(graph, { threads: 1 }), runs: 1 }],
      machine,
    );
    const [product, moved] = [2 * 100 * 200 * 50, 2 * 100 * 50 * 4].map((work) => work / 1e9);
    expect(ops.map(({ op }) => op)).to.deep.equal(['matmul', 'relu']);
    expect(ops[0]).to.include({ calls: 1, seconds: product, arithmeticSeconds: product });
    expect(ops[1]).to.include({ calls: 1, seconds: moved, arithmeticSeconds: 0 });
    expect(seconds).to.be.closeTo(product! + moved!, 1e-12);
    expect(arithmeticSeconds).to.be.lessThan(seconds);
    expect(byteSeconds).to.be.lessThan(seconds);
  });

  it('takes the rate of bf16 for products of bf16', () => {
    const graph = new Graph();
    const x = graph.input('x', 'f32', [256, 256]);
    graph.output('y', matmul(x, graph.state('w', 'f32', [256, 256])));
    const [wide, narrow] = (['fp32', 'bf16'] as const).map(
      (dtype) =>
        predict([{ program: compile(graph, { threads: 1, dtype }), runs: 1 }], machine).ops.find(
          ({ op }) => op === 'matmul',
        )!,
    );
    expect(narrow!.seconds).to.be.closeTo(wide!.seconds / 4, 1e-9);
  });
});
