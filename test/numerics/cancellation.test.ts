import { expect } from 'chai';
import type { Engine } from '../../src/engine/index.js';
import { attention, compile, div, Graph, gradients, mul, sum, type Tensor } from '../../src/graph/index.js';
import { Data, type Given } from './data.js';
import { builtEngine } from './native-run.js';

/** Gradients that are zero by algebra must not be the rounding noise of two ways to the same number. */
describe('a gradient that cancels', () => {
  let engine: Engine | null;
  before(async () => {
    engine = await builtEngine();
  });

  const data = new Data(3);

  it('is exactly zero for queries and keys of sequences of one token', async function () {
    if (!engine) return this.skip(); // the native engine is not built
    const [batch, heads, depth] = [5, 3, 16];
    const given = Object.fromEntries(
      ['q', 'k', 'v', 'weight'].map((name) => [name, data.normal([batch, 1, heads, depth])]),
    );
    const got = await gradientsOf(engine, given, (graph, { q, k, v, weight }) => {
      const seen = graph.constant(new Array<number>(batch).fill(1), [batch, 1], 'i32');
      const y = attention(q!, k!, v!, { qSegments: seen, kSegments: seen, scale: 0.3, causal: true });
      return sum(mul(y, weight!));
    });
    expect(new Set(got.q), 'queries').to.deep.equal(new Set([0]));
    expect(new Set(got.k), 'keys').to.deep.equal(new Set([0]));
    expect(got.v).to.deep.equal(Float32Array.from(given.weight!.values));
  });

  it('is exactly zero for what is divided by itself, as a single chosen expert is', async function () {
    if (!engine) return this.skip(); // the native engine is not built
    const given = { x: data.uniform([200, 1], 0.1, 1), weight: data.normal([200, 1]) };
    const got = await gradientsOf(engine, given, (_graph, { x, weight }) =>
      sum(mul(div(x!, sum(x!, { axes: [-1], keepdims: true })), weight!)),
    );
    expect(new Set(got.x)).to.deep.equal(new Set([0]));
  });
});

/** d loss / d input by input name. */
async function gradientsOf(
  engine: Engine,
  given: Readonly<Record<string, Given>>,
  loss: (graph: Graph, inputs: Record<string, Tensor>) => Tensor,
): Promise<Record<string, Float32Array>> {
  const graph = new Graph();
  const inputs = Object.fromEntries(
    Object.entries(given).map(([name, { dtype, shape }]) => [name, graph.input(name, dtype, shape)]),
  );
  const names = Object.keys(given);
  gradients(loss(graph, inputs), Object.values(inputs)).forEach((gradient, i) => {
    graph.output(names[i]!, gradient!);
  });
  const session = engine.session({ device: 'cpu', threads: 2 });
  const values = Object.fromEntries(
    names.map((name) => [name, Float32Array.from(given[name]!.values)] as const),
  );
  const outputs = await session.load(compile(graph, { threads: 2 })).run(values);
  session.close();
  return outputs as Record<string, Float32Array>;
}
