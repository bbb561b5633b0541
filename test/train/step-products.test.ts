import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { openEngine } from '../../src/engine/index.js';
import { buildModel } from '../../src/models/index.js';
import { compareProducts, comparisonTable, ratioOfAll } from '../../src/train/compare-products.js';
import { languageModel } from '../../src/train/objectives/language-model.js';
import { adamW } from '../../src/train/optim/adamw.js';
import { buildStep } from '../../src/train/step.js';
import { cuts, stepProducts } from '../../src/train/step-products.js';

const llama = {
  model_type: 'llama',
  vocab_size: 2048,
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 2,
  max_position_embeddings: 256,
};
const { architectures: _, ...olmoe } = {
  ...llama,
  architectures: ['OlmoeForCausalLM'],
  model_type: 'olmoe',
  num_experts: 4,
  num_experts_per_tok: 2,
};

async function stepOf(config: Record<string, unknown>, dtype: 'fp32' | 'bf16') {
  const model = await buildModel(config);
  const { update } = buildStep({
    model,
    objective: languageModel({ auxLossWeight: 0 }),
    adapter: null,
    trainable: model.parameters(),
    batch: 2,
    length: 256,
    accumulation: 1,
    optimizer: adamW({ beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0 }),
    maxGradNorm: 1,
    threads: 1,
    dtype,
  });
  return update;
}

describe('the products of a step', () => {
  it('are cut as the kernels cut them', () => {
    const number = (file: string, pattern: RegExp) =>
      Number(pattern.exec(readFileSync(join('native', file), 'utf8'))?.[1]);
    const kernels = 'backends/cpu/kernels';
    expect({
      attentionQueries: number(`${kernels}/attention.cpp`, /\bkQueries = (\d+)/),
      attentionKeys: number(`${kernels}/attention.cpp`, /\bkKeys = (\d+)/),
      lossTokens: number(`${kernels}/loss.cpp`, /\bkTokens = (\d+)/),
      lossWords: number('core/scratch.h', /\bkTileWords = (\d+)/),
      lossRows: number(`${kernels}/loss.cpp`, /std::min<int64_t>\(fit, (\d+)\)/),
    }).to.deep.equal(cuts);
  });

  for (const [name, config] of Object.entries({ llama, olmoe })) {
    it(`are all of ${name}'s: as many FLOPs as its plain and grouped products and its loss`, async () => {
      const program = await stepOf(config, 'fp32');
      const isMeant = (op: string) => /matmul|linear_cross_entropy/.test(op);
      const flops = program.opCosts.reduce(
        (sum, { flops }, i) => sum + (isMeant(program.ops[i]!.op) ? flops : 0),
        0,
      );
      const plain = stepProducts([{ program, runs: 1 }]).filter(
        ({ what }) => !/scores|values|dk, dv/.test(what),
      );
      const found = plain.reduce(
        (sum, { rows, columns, depth, calls }) => sum + 2 * rows * columns * depth * calls,
        0,
      );
      expect(found / flops).to.be.within(0.99, 1.01);
    });
  }

  it('have the dtypes and sides of their ops, and each shape stands once', async () => {
    const program = await stepOf(llama, 'bf16');
    const products = stepProducts([{ program, runs: 3 }]);
    const shapes = products.map(({ what, calls, ...shape }) => JSON.stringify(shape));
    expect(new Set(shapes).size).to.equal(shapes.length);
    expect(products.every(({ operands }) => operands === 'bf16')).to.equal(true);
    const gate = products.find(({ what }) => what.endsWith('mlp.gate_proj'))!;
    expect(gate).to.deep.include({
      rows: 512,
      columns: 96,
      depth: 64,
      transA: false,
      transB: true,
      isBlock: false,
    });
    expect(gate.calls).to.equal(3 * 2 * 2); // gate and up of two layers, in each run
    const scores = products.find(({ what }) => what.endsWith('scores'))!;
    // rows, heads, and of four by two blocks the six that causality leaves; thrice in all, layers, runs
    expect(scores).to.deep.include({
      rows: 64,
      columns: 128,
      depth: 32,
      calls: 2 * 2 * 6 * 3 * 2 * 3,
      isBlock: true,
    });
  });

  it('are compared with the library, which gives the same numbers', async () => {
    const engine = await openEngine();
    const shapes = { rows: 40, columns: 48, depth: 33, calls: 1, isBlock: false };
    for (const operands of ['f32', 'bf16'] as const) {
      for (const transA of [false, true]) {
        const question = { ...shapes, transA, transB: !transA, operands, result: operands };
        const [own, ...libraries] = await engine.compareProducts({
          ...question,
          threads: 1,
          turns: 2,
          seconds: 0,
        });
        expect(own).to.deep.include({ name: 'engine', difference: 0 });
        expect(own!.wall).to.have.length(2);
        expect(libraries).to.have.length(engine.info.matmul === 'onednn' ? 2 : 0);
        for (const { name, difference } of libraries) {
          expect(difference, `${name} ${operands}`).to.be.below(operands === 'f32' ? 1e-6 : 2 ** -8);
        }
      }
    }
    const options = { threads: 1, onProduct: () => {}, signal: new AbortController().signal };
    const product = {
      what: 'x',
      ...shapes,
      transA: false,
      transB: true,
      operands: 'f32',
      result: 'f32',
    } as const;
    const compared = await compareProducts(engine, [product], options);
    expect(compared[0]!.gflops_per_second).to.be.greaterThan(0);
    expect(comparisonTable(compared).rows[0]).to.include('40 × 48 × 33');
    if (engine.info.matmul === 'onednn')
      expect(ratioOfAll(compared)).to.be.closeTo(compared[0]!.ratio!, 1e-9);
    else expect(ratioOfAll(compared)).to.equal(null);
  });
});
