import { expect } from 'chai';
import { SluiceError } from '../../src/errors.js';
import { buildModel } from '../../src/models/index.js';
import { type CutStepOptions, cutStep, freeCut } from '../../src/train/micro-batches.js';
import { languageModel } from '../../src/train/objectives/language-model.js';
import { adamW } from '../../src/train/optim/adamw.js';

const narrow = {
  model_type: 'llama',
  vocab_size: 64,
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 2,
};

describe('micro-batches', () => {
  let options: CutStepOptions;
  before(async () => {
    const model = await buildModel(narrow, 'model');
    options = {
      model,
      adapter: null,
      objective: languageModel({ auxLossWeight: 0 }),
      trainable: model.parameters(),
      rows: 4,
      length: 512,
      optimizer: adamW({ beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0 }),
      maxGradNorm: 1,
      threads: 1,
      dtype: 'fp32',
      recompute: 'auto',
    };
  });

  it('are as many as products are still fast in, in training', () => {
    const rows = 4;
    expect(freeCut({ rows, length: 512, dtype: 'fp32' })).to.equal(4);
    expect(freeCut({ rows, length: 256, dtype: 'fp32' })).to.equal(2);
    expect(freeCut({ rows, length: 512, dtype: 'bf16' })).to.equal(1);
    expect(freeCut({ rows: 3, length: 64, dtype: 'fp32' })).to.equal(1);
  });

  it('are chosen by time, then by memory', () => {
    const chosen = (changes: Partial<CutStepOptions>) =>
      cutStep('auto', 'cpu', { ...options, ...changes }).microBatches;
    expect(chosen({})).to.equal(4);
    expect(chosen({ length: 128 }), 'of 512 tokens in all').to.equal(1);
    expect(chosen({ dtype: 'bf16' })).to.equal(1);
    expect(cutStep('auto', 'cuda:0', options).microBatches, 'on a GPU').to.equal(1);
  });

  it('are more, at a price, where memory asks for them: rather than all of a layer computed again', () => {
    const bytes = (microBatches: number) => {
      const { micro, update } = cutStep(microBatches, 'cpu', { ...options, dtype: 'bf16' }).programs;
      return (micro ?? update).arenaBytes + (micro ?? update).stateBytes + (micro ?? update).inputBytes;
    };
    const within = cutStep('auto', 'cpu', { ...options, dtype: 'bf16', memoryBudget: bytes(2) });
    expect(bytes(2)).to.be.below(bytes(1));
    expect(within.microBatches).to.equal(2);
    const impossible = cutStep('auto', 'cpu', { ...options, memoryBudget: 1 });
    expect(impossible.microBatches, 'what is smallest where nothing fits').to.equal(4);
  });

  it('must divide the rows of a step', () => {
    expect(() => cutStep(3, 'cpu', options))
      .to.throw(SluiceError, 'micro_batches=3 does not divide the 4 rows of a step')
      .with.property('hint', 'it can be auto, 1, 2, 4');
  });
});
