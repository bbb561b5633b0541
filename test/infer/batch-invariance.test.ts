import { expect } from 'chai';
import type { Session } from '../../src/engine/index.js';
import { Generator, Scorer } from '../../src/infer/index.js';
import { buildModel } from '../../src/models/index.js';
import { setFormulaWeights } from '../models/formula-weights.js';
import { useEngine } from '../numerics/native-run.js';

const shared = {
  vocab_size: 53,
  num_hidden_layers: 2,
  num_attention_heads: 3,
  max_position_embeddings: 400,
};
const configs = {
  llama: { ...shared, model_type: 'llama', hidden_size: 60, intermediate_size: 90, num_key_value_heads: 1 },
  gpt2: { model_type: 'gpt2', vocab_size: 53, n_embd: 36, n_layer: 2, n_head: 3, n_positions: 400 },
  gemma2: {
    ...shared,
    model_type: 'gemma2',
    hidden_size: 48,
    intermediate_size: 40,
    num_key_value_heads: 3,
    head_dim: 20,
    sliding_window: 7,
    query_pre_attn_scalar: 20,
  },
  olmoe: {
    ...shared,
    model_type: 'olmoe',
    hidden_size: 48,
    intermediate_size: 40,
    num_experts: 5,
    num_experts_per_tok: 2,
  },
};
/** Of lengths 3, 17, 1, 140, 30: padding, blocks of attention and buckets of length all differ between batches. */
const prompts = [3, 17, 1, 140, 30].map((length, row) =>
  Array.from({ length }, (_, i) => (7 * i + 11 * row * row + ((i * i) % 5)) % 53),
);

describe('a row of a batch', () => {
  const engine = useEngine();
  let session: Session;

  beforeEach(() => {
    session = engine().session({ device: 'cpu', threads: 2 });
  });

  afterEach(() => session.close());

  for (const [name, config] of Object.entries(configs)) {
    it(`of ${name} has the same logits bit for bit in batches of 1 to 5`, async () => {
      const model = await buildModel(config);
      setFormulaWeights(model, session);
      const logitsOf = async (rows: number[][]) => {
        const seen: Float32Array[][] = rows.map(() => []);
        const generator = new Generator(model, session, { threads: 2 });
        await generator.generate(rows, {
          maxNewTokens: 4,
          temperature: 0,
          onLogits: (_, logits) => {
            rows.forEach((_row, i) => {
              seen[i]!.push(logits.slice(i * 53, (i + 1) * 53));
            });
          },
        });
        generator.close();
        return seen;
      };
      const alone: Float32Array[][] = [];
      for (const prompt of prompts) alone.push((await logitsOf([prompt]))[0]!);
      for (let rows = 2; rows <= 5; rows++) {
        const together = await logitsOf(prompts.slice(0, rows));
        together.forEach((steps, row) => {
          steps.forEach((logits, step) => {
            const same = Buffer.from(logits.buffer).equals(Buffer.from(alone[row]![step]!.buffer));
            expect(same, `batch of ${rows}, row ${row}, step ${step}`).to.equal(true);
          });
        });
      }
    });
  }

  it('has the same scores bit for bit whatever is scored with it', async () => {
    const model = await buildModel(configs.olmoe);
    setFormulaWeights(model, session);
    const together = await new Scorer(model, session, { threads: 2, batchTokens: 512 }).score(prompts);
    for (const [row, prompt] of prompts.entries()) {
      const [alone] = await new Scorer(model, session, { threads: 1, batchTokens: 8 }).score([prompt]);
      expect([...together[row]!.nll]).to.deep.equal([...alone!.nll]);
    }
  });
});
