import { expect } from 'chai';
import { f32ToBf16 } from '../../src/checkpoint/index.js';
import type { Session } from '../../src/engine/index.js';
import { compile, Graph, matmul, quantizedMatmul, quantizedShapes } from '../../src/graph/index.js';
import { dequantizeRows, quantizeRows } from '../../src/models/index.js';
import { useEngine } from '../numerics/native-run.js';

const formula = (count: number, seed: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(i * 1.7 + seed * 0.31));

/** How weights [n,k] are held in the session, and the product of a graph's x with them. */
const storages = {
  f32: (graph: Graph, session: Session, data: Float32Array, n: number, k: number) => {
    session.setState('w', 'f32', [n, k], data);
    return (x: ReturnType<Graph['input']>) => matmul(x, graph.state('w', 'f32', [n, k]), { transB: true });
  },
  bf16: (graph: Graph, session: Session, data: Float32Array, n: number, k: number) => {
    session.setState('w', 'bf16', [n, k], f32ToBf16(data));
    return (x: ReturnType<Graph['input']>) => matmul(x, graph.state('w', 'bf16', [n, k]), { transB: true });
  },
  int8: quantised('int8'),
  nf4: quantised('nf4'),
};

function quantised(format: 'int8' | 'nf4') {
  return (graph: Graph, session: Session, data: Float32Array, n: number, k: number) => {
    const shapes = quantizedShapes(format, [n, k]);
    const rows = quantizeRows(format, data, n);
    session.setState('codes', 'u8', shapes.codes, rows.codes);
    session.setState('scales', 'f32', shapes.scales, rows.scales);
    return (x: ReturnType<Graph['input']>) =>
      quantizedMatmul(
        x,
        {
          format,
          columns: k,
          codes: graph.state('codes', 'u8', shapes.codes),
          scales: graph.state('scales', 'f32', shapes.scales),
        },
        { transB: true },
      );
  };
}

describe('a product of independent rows', () => {
  const engine = useEngine();
  /** Rows alone, in one tile, in one panel and in several; columns and depth whole and broken. */
  const heights = [2, 3, 4, 5, 64, 67, 130];
  const sizes = [
    { n: 7, k: 20 },
    { n: 48, k: 128 },
    { n: 33, k: 1100 },
  ];

  for (const [name, prepare] of Object.entries(storages)) {
    for (const { n, k } of sizes) {
      it(`with ${name} weights [${n},${k}] gives a row the same bits among any others`, async () => {
        const session = engine().session({ device: 'cpu', threads: 2 });
        try {
          const most = Math.max(...heights);
          const x = formula(most * k, 1);
          const weights = formula(n * k, 2);
          const product = async (rows: number, from: number) => {
            const graph = new Graph();
            const multiply = prepare(graph, session, weights, n, k);
            graph.output('y', multiply(graph.input('x', 'f32', [rows, k])));
            const executable = session.load(compile(graph, { threads: 2, independentRows: true }));
            const { y } = await executable.run({ x: x.slice(from * k, (from + rows) * k) });
            return y as Float32Array;
          };
          const all = await product(most, 0);
          for (const rows of [1, ...heights]) {
            const from = most - rows;
            const some = await product(rows, from);
            expect(Buffer.from(some.buffer).equals(Buffer.from(all.slice(from * n).buffer)), `${rows} rows`)
              .to.be.true;
          }
          const held = heldAs(name, weights, n, k);
          for (const [row, column] of [
            [0, 0],
            [most - 1, n - 1],
          ] as const) {
            let exact = 0;
            for (let i = 0; i < k; i++) exact += x[row * k + i]! * held[column * k + i]!;
            expect(all[row * n + column]).to.be.closeTo(exact, 1e-4);
          }
        } finally {
          session.close();
        }
      });
    }
  }
});

/** The weights as the kernel sees them. */
function heldAs(name: string, weights: Float32Array, n: number, k: number): Float32Array {
  if (name === 'f32') return weights;
  if (name !== 'bf16') {
    const format = name as 'int8' | 'nf4';
    return dequantizeRows(format, quantizeRows(format, weights, n), n, k);
  }
  return new Float32Array(Uint32Array.from(f32ToBf16(weights), (bits) => bits << 16).buffer);
}
