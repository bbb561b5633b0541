import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { openDevice } from '../../src/engine/index.js';
import { SluiceError } from '../../src/errors.js';
import { buildModel, initializeWeights, saveModelFolder } from '../../src/models/index.js';
import { type BenchConfig, stage as bench } from '../../stages/bench.js';
import { stage as compare } from '../../stages/compare.js';
import { stage as convert } from '../../stages/convert.js';
import { stageContext } from './stage-context.js';

const machine = { seed: 3, device: 'cpu', threads: 1 };
const olmoe = {
  model_type: 'olmoe',
  architectures: ['OlmoeForCausalLM'],
  vocab_size: 50,
  hidden_size: 16,
  intermediate_size: 8,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_experts: 4,
  num_experts_per_tok: 2,
};

async function savedModel(seed: number): Promise<string> {
  const { context } = stageContext({});
  const model = await buildModel(olmoe);
  const { session } = await openDevice(machine, context);
  await initializeWeights(model.parameters(), session, { seed, threads: 1 });
  saveModelFolder(model, session, context.runDirectory);
  session.close();
  return context.runDirectory;
}

describe('convert and compare', () => {
  const gates = {
    quality_gate_init_mean: 0,
    quality_gate_init_std: 0.5,
    trash_expert_mode: 'noise',
  } as const;
  const against = { ...machine, batch: 2, length: 9, tolerance: 1e-5 };

  it('give a Select-MoE folder whose model is the original once its gates are open', async () => {
    const original = await savedModel(1);
    const conversion = stageContext({ ...machine, ...gates, model: original });
    await convert.run(conversion.context);
    const converted = conversion.outputs.model!;
    const comparison = stageContext({ ...against, original, converted });
    await compare.run(comparison.context);
    expect([...conversion.unread(), ...comparison.unread()]).to.deep.equal([]);
    expect(comparison.facts.result).to.deep.include({
      largest_difference: 0,
      same_next_token: 1,
      equal: true,
    });

    const other = await savedModel(2);
    const error = await compare
      .run(stageContext({ ...against, original: other, converted }).context)
      .catch((thrown: SluiceError) => thrown);
    expect(error).to.be.instanceOf(SluiceError).with.property('code', 'compare.different');
    for (const folder of [original, other, join(converted, '..')]) rmSync(folder, { recursive: true });
  });
});

describe('bench', () => {
  const { architectures: _, ...bare } = olmoe;
  const config: BenchConfig = {
    ...machine,
    model: bare,
    vocab_size: 64,
    batch: 2,
    length: 16,
    dtype: 'fp32',
    state_dtype: 'auto',
    forward: false,
    lora: 0,
    steps: 3,
    recompute: 'auto',
    memory_budget: null,
    micro_batches: 'auto',
    profile: true,
    measure: 'step',
    quantization: 'none',
    save_program: null,
  };

  for (const [lora, dtype] of [
    [0, 'fp32'],
    [2, 'fp32'],
    [0, 'bf16'],
    [2, 'bf16'],
  ] as const) {
    it(`measures ${lora ? 'adapters' : 'all weights'} in ${dtype} and says what every kind of op took`, async () => {
      const { context, facts, events, unread } = stageContext({ ...config, lora, dtype });
      await bench.run(context);
      expect(unread()).to.deep.equal(['quantization']); // of measure=decode
      const result = facts.result as Record<string, number> & {
        profile: { op: string; share: number; share_of_peak: number }[];
      };
      for (const key of [
        'tokens_per_second',
        'step_seconds',
        'flops_per_second',
        'mfu',
        'base_rss_bytes',
        'peak_rss_bytes',
        'planned_bytes',
      ]) {
        expect(result[key], key).to.be.greaterThan(0);
      }
      expect(result.tokens_per_second! * result.step_seconds!).to.be.closeTo(32, 1e-6);
      expect(result.profile.reduce((sum, { share }) => sum + share, 0)).to.be.closeTo(1, 1e-9);
      expect(result.profile.map(({ op }) => op)).to.include.members([
        'grouped_matmul',
        'adamw',
        'attention_grad',
      ]);
      expect(Math.max(...result.profile.map((time) => time.share_of_peak))).to.be.greaterThan(0);
      expect(events.filter(({ type }) => type === 'progress')).to.have.length(5);
      rmSync(context.runDirectory, { recursive: true });
    });
  }

  it('measures the loss alone, without gradients or moments', async () => {
    const { context, facts } = stageContext({ ...config, forward: true });
    await bench.run(context);
    const { profile } = facts.result as { profile: { op: string }[] };
    const ops = profile.map(({ op }) => op);
    expect(ops).to.include('linear_cross_entropy').and.not.to.include('adamw');
    rmSync(context.runDirectory, { recursive: true });
  });

  it('plans without running', async () => {
    const { context } = stageContext(config);
    expect(await bench.plan!(context)).to.match(/planned +[\d.]+ .*B/);
  });

  it('foretells a step on a machine that is not here, in that one’s memory', async () => {
    const machine = {
      name: 'faraway',
      memory_bytes: 2e6,
      bytes_per_second: 1e9,
      f32_flops: 1e12,
      bf16_flops: 4e12,
    };
    const { context } = stageContext({ ...config, machine });
    const text = (await bench.plan!(context)) as string;
    expect(text).to.contain('memory: 1.81 MiB may be used (faraway)');
    expect(text).to.match(/on faraway.*: *\n +step +[\d.]+ ms, \d+ tokens\/s/);
    expect(text).to.match(/matmul +\d+ +[\d.]+ +[\d.]+ %/);
  });
});
