import { expect } from 'chai';
import { openEngine } from '../../src/engine/index.js';
import { timeDecoding } from '../../src/infer/index.js';
import { buildModel, storageOf } from '../../src/models/index.js';

const config = {
  model_type: 'llama',
  vocab_size: 256,
  hidden_size: 128,
  intermediate_size: 256,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 2,
  max_position_embeddings: 512,
  tie_word_embeddings: false,
};
const projections = 4 * 128 * 128 + 3 * 128 * 256;
const head = 128 * 256;

describe('the time of decoding', () => {
  for (const [storage, bytes] of [
    [{ quantization: 'none' }, 4 * (projections + head)],
    [{ dtype: 'bf16', quantization: 'none' }, 2 * (projections + head)],
    [{ quantization: 'int8' }, (1 + 4 / 64) * projections + 4 * head],
    [{ dtype: 'bf16', quantization: 'nf4' }, (1 / 2 + 4 / 64) * projections + 2 * head],
  ] as const) {
    it(`is measured in turns with reads of memory: ${JSON.stringify(storage)}`, async () => {
      const engine = await openEngine();
      const session = engine.session({ device: 'cpu', threads: 1 });
      const model = (await buildModel(config)).stored(storageOf(storage));
      const { signal } = new AbortController();
      const times = await timeDecoding(engine, session, model, { threads: 1, turns: 2, steps: 3, signal });
      session.close();
      expect(times.stepBytes).to.equal(bytes);
      expect(times.steps).to.have.length(6);
      expect(times.reads).to.have.length(2);
      expect(Math.min(...times.steps, ...times.reads)).to.be.greaterThan(0);
      expect(times.otherShare).to.be.within(0, 1);
    });
  }
});
