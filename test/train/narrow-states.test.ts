import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { bf16ToF32, f32ToBf16, SafetensorsFile } from '../../src/checkpoint/index.js';
import { SluiceError } from '../../src/errors.js';
import { adamw, compile, Graph } from '../../src/graph/index.js';
import { loadWeights, rngInput, saveModelFolder } from '../../src/models/index.js';
import { trainingStorage } from '../../src/train/index.js';
import { useEngine } from '../numerics/native-run.js';
import { losses, tinyAdamW, trainTiny } from './tiny-run.js';

const optimizer = { ...tinyAdamW, state_dtype: 'bf16', main_params_dtype: 'bf16' } as const;
const narrow = { dtype: 'bf16', optimizer } as const;

describe('AdamW over states of bf16', () => {
  const engine = useEngine();
  const count = 5000;

  /** The mean of `count` weights that begin at 1, and their moments, after steps of 2^-12 each: a 16th of bf16's distance there. */
  async function updated(
    steps: number,
    {
      rounding,
      device = 'cpu',
      threads = 1,
    }: { rounding: 'chance' | 'nearest'; device?: string; threads?: number },
  ) {
    const graph = new Graph();
    const state = (name: string) => graph.state(name, 'bf16', [count]);
    const rng = graph.input('rng', 'i32', [4]);
    adamw(state('param'), state('grad'), state('m'), state('v'), graph.input('scalars', 'f32', [3]), {
      beta1: 0,
      beta2: 0,
      eps: 1e-12,
      weightDecay: 0,
      ...(rounding === 'chance' && { chance: { rng, stream: 9 } }),
    });
    const session = engine().session({ device, threads });
    const filled = (value: number) => f32ToBf16(new Float32Array(count).fill(value));
    for (const [name, value] of Object.entries({ param: 1, grad: 0.3, m: 0, v: 0 }))
      session.setState(name, 'bf16', [count], filled(value));
    const program = session.load(compile(graph, { threads }));
    for (let step = 0; step < steps; step++) {
      const scalars = Float32Array.of(2 ** -12, step + 1, 1);
      await program.runWith({ scalars, rng: rngInput(7, step) });
    }
    const bits = new Map(
      ['param', 'm', 'v'].map((name) => [name, session.getState(name).data as Uint16Array]),
    );
    session.close();
    return bits;
  }
  const mean = (bits: Uint16Array) => bf16ToF32(bits).reduce((sum, value) => sum + value, 0) / bits.length;

  it('moves weights on average by what rounding to nearest would lose', async () => {
    const steps = 16;
    const lost = await updated(steps, { rounding: 'nearest' });
    expect(mean(lost.get('param')!)).to.equal(1);
    const kept = await updated(steps, { rounding: 'chance' });
    // 5,000 weights, each 16 times up or down by 2^-8: their mean strays by about 2^-8 * sqrt(16 / 16 / 5000) = 6e-5
    expect(mean(kept.get('param')!)).to.be.closeTo(1 - steps * 2 ** -12, 3e-4);
    // g^2 = 0.0903, 0.09 of which bf16 cannot hold
    const grad = bf16ToF32(f32ToBf16(Float32Array.of(0.3)))[0]!;
    expect(mean(kept.get('v')!)).to.be.closeTo(grad ** 2, 2e-5);
    expect(new Set(kept.get('v')!).size).to.equal(2);
    expect(new Set(kept.get('m')!)).to.deep.equal(new Set(f32ToBf16(Float32Array.of(0.3))));
  });

  it('has the same bits at any number of threads, and on a GPU the same rounding', async () => {
    const one = await updated(3, { rounding: 'chance' });
    expect(await updated(3, { rounding: 'chance', threads: 2 })).to.deep.equal(one);
    const gpu = await updated(3, { rounding: 'chance', device: 'emulator:shuffled' });
    // the last bit of an f32 decides for one in thousands whether it is rounded up
    const others = [...one].flatMap(([name, bits]) =>
      [...bits].filter((word, i) => word !== gpu.get(name)![i]),
    );
    expect(others.length).to.be.below(15);
  });
});

describe('training with weights and moments in bf16', () => {
  it('learns as in fp32, in half the memory for states', async () => {
    const [wide, half] = [await trainTiny({ max_steps: 40 }), await trainTiny({ ...narrow, max_steps: 40 })];
    const [wanted, got] = [losses(wide.events), losses(half.events)];
    for (const [step, loss] of got.entries()) expect(loss, `step ${step}`).to.be.closeTo(wanted[step]!, 0.1);
    expect(got.at(-1)).to.be.below(got[0]! - 1);
    const stateBytes = (folder: string) =>
      JSON.parse(readFileSync(join(folder, 'plan.json'), 'utf8')).state_bytes;
    expect(stateBytes(half.folder) / stateBytes(wide.folder)).to.be.within(0.5, 0.55);
    const held = half.session.states().filter(({ dtype }) => dtype !== 'bf16');
    expect(held.map(({ name }) => name).filter((name) => !/norm\.weight|\.gate\.weight/.test(name))).to.be
      .empty;
  });

  it('sums the gradients of micro-batches in fp32', async () => {
    const { session, events } = await trainTiny({ ...narrow, per_device_batch_size: 1, max_steps: 20 });
    const sums = session.states().filter(({ name }) => name.startsWith('gradient.'));
    expect(new Set(sums.map(({ dtype }) => dtype))).to.deep.equal(new Set(['f32']));
    const whole = losses((await trainTiny({ ...narrow, max_steps: 20 })).events);
    for (const [step, loss] of losses(events).entries()) expect(loss).to.be.closeTo(whole[step]!, 0.1);
  });

  it('has the same bits at any number of threads', async () => {
    const [one, two] = [await trainTiny(narrow, { threads: 1 }), await trainTiny(narrow, { threads: 2 })];
    expect([...two.weights]).to.deep.equal([...one.weights]);
  });

  it('saves the weights as they are held, and what is saved loads to the same bits', async () => {
    const { run, session, folder } = await trainTiny(narrow);
    saveModelFolder(run.model, session, join(folder, 'model'));
    const file = new SafetensorsFile(join(folder, 'model', 'model.safetensors'));
    const dtypes = file.names.map((name) => file.entry(name).dtype);
    file.close();
    expect(new Set(dtypes)).to.deep.equal(new Set(['F32', 'BF16']));
    const config = JSON.parse(readFileSync(join(folder, 'model', 'config.json'), 'utf8'));
    expect(config.dtype).to.equal('bfloat16');
    const before = run.trainable.map(({ name }) => session.getState(name));
    loadWeights(run.model, join(folder, 'model'), session);
    expect(run.trainable.map(({ name }) => session.getState(name))).to.deep.equal(before);
  });

  it('is refused where it has no use', () => {
    expect(() => trainingStorage({ dtype: 'fp32', optimizer }, 'full'))
      .to.throw(
        SluiceError,
        'training.optimizer.main_params_dtype=bf16 goes with training.dtype=bf16, not fp32',
      )
      .with.property('code', 'config.main_params_dtype');
    expect(() => trainingStorage({ dtype: 'bf16', optimizer }, 'lora')).to.throw(
      SluiceError,
      'training.optimizer.main_params_dtype=bf16 is for training.peft_mode=full, not lora',
    );
  });
});
