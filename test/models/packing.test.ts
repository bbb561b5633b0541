import { expect } from 'chai';
import { compile, Graph } from '../../src/graph/index.js';
import { batchInputs, buildModel, lmLoss } from '../../src/models/index.js';
import { setFormulaWeights } from './formula-weights.js';
import { ReferenceSession } from './reference-session.js';

const documents = [
  [3, 1, 4, 1, 5],
  [9, 2, 6],
  [5, 3, 5, 8],
];

const configs: Record<string, Record<string, unknown>> = {
  mistral: {
    model_type: 'mistral',
    vocab_size: 11,
    hidden_size: 16,
    intermediate_size: 12,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    sliding_window: 3,
  },
  gpt2: { model_type: 'gpt2', vocab_size: 11, n_embd: 16, n_layer: 2, n_head: 2, n_positions: 16 },
  olmoe: {
    model_type: 'olmoe',
    vocab_size: 11,
    hidden_size: 16,
    intermediate_size: 8,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    num_experts: 4,
    num_experts_per_tok: 2,
  },
};

/** Sum of the loss over rows of [tokens, segment, position] triples; 0-padded to one length. */
async function lossOf(config: Record<string, unknown>, rows: [number, number, number][][]): Promise<number> {
  const model = await buildModel(config);
  const session = new ReferenceSession();
  setFormulaWeights(model, session);
  const length = Math.max(...rows.map((row) => row.length));
  const column = (pick: (row: [number, number, number][], t: number) => number | undefined, filler: number) =>
    Int32Array.from(
      { length: rows.length * length },
      (_, i) => pick(rows[Math.floor(i / length)]!, i % length) ?? filler,
    );
  const graph = new Graph();
  const output = model.forward(batchInputs(graph, rows.length, length));
  graph.output('loss', lmLoss(output, graph.input('labels', 'i32', [rows.length, length])).sum);
  const { loss } = await session.load(compile(graph, { threads: 1 })).run({
    input_ids: column((row, t) => row[t]?.[0], 0),
    segment_ids: column((row, t) => row[t]?.[1], 0),
    positions: column((row, t) => row[t]?.[2], 0),
    labels: column((row, t) => (row[t + 1]?.[1] === row[t]?.[1] ? row[t + 1]?.[0] : undefined), -100),
  });
  return loss![0]!;
}

const tokens = (document: number[], segment: number) =>
  document.map((id, position): [number, number, number] => [id, segment, position]);

describe('packed rows', () => {
  for (const [name, config] of Object.entries(configs)) {
    it(`of ${name} have the loss of their documents, whatever the order`, async () => {
      const alone = await Promise.all(documents.map((document) => lossOf(config, [tokens(document, 1)])));
      const sum = alone.reduce((a, b) => a + b, 0);
      const packed = documents.flatMap((document, i) => tokens(document, i + 1));
      const reversed = documents.toReversed().flatMap((document, i) => tokens(document, i + 1));
      const padded = documents.map((document) => tokens(document, 1));
      for (const rows of [[packed], [reversed], padded, [packed.slice(0, 8), packed.slice(8)]]) {
        expect(await lossOf(config, rows)).to.be.closeTo(sum, 1e-5);
      }
    });
  }
});
