import { join } from 'node:path';
import { expect } from 'chai';
import { openEngine } from '../../src/engine/index.js';
import { SluiceError } from '../../src/errors.js';
import { compile, Graph } from '../../src/graph/index.js';
import type { ParameterSpec } from '../../src/models/index.js';
import { type MuonOptions, muon } from '../../src/train/optim/muon.js';
import { largestDifference, losses, tinyTraining, trainTiny } from './tiny-run.js';

const options: MuonOptions = {
  momentum: 0.9,
  nesterov: true,
  ns_steps: 5,
  adjust_lr_fn: 'original',
  eps: 1e-7,
  weight_decay: 0.1,
  adamw: { lr_ratio: 0.5, beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.1 },
};

/** Numbers that any program can make again. */
const waves = (count: number, phase: number) =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(1.7 * i + phase) * (1 + 0.1 * i));

const projection = (name: string, shape: number[]): ParameterSpec => ({
  name,
  shape,
  dtype: 'f32',
  init: { kind: 'constant', value: 0 },
  stacked: shape.length > 2,
  buffer: false,
  projection: { transposed: false },
});

/** Values of parameters after each set of gradients; a number in place of a set is the gradient scale of its step. */
async function follow(
  keys: Partial<MuonOptions>,
  specs: ParameterSpec[],
  first: Float32Array[],
  steps: { gradients: Float32Array[]; scale?: number }[],
) {
  const engine = await openEngine();
  const session = engine.session({ device: 'cpu', threads: 2 });
  const optimizer = muon({ ...options, ...keys });
  const graph = new Graph();
  const updated = specs.map((spec) => ({
    spec,
    parameter: graph.state(spec.name, 'f32', spec.shape),
    gradient: graph.input(`gradient.${spec.name}`, 'f32', spec.shape),
  }));
  optimizer.update(graph, updated, graph.input('scalars', 'f32', [3]));
  specs.forEach((spec, i) => {
    session.setState(spec.name, 'f32', spec.shape, Float32Array.from(first[i]!));
    for (const state of optimizer.states(spec)) session.setState(state, 'f32', spec.shape, null);
  });
  const update = session.load(compile(graph, { threads: 2 }));
  for (const [step, { gradients, scale = 1 }] of steps.entries()) {
    const inputs = Object.fromEntries(specs.map(({ name }, i) => [`gradient.${name}`, gradients[i]!]));
    await update.run({ ...inputs, scalars: Float32Array.of(0.05, step + 1, scale) });
  }
  const states = Object.fromEntries(
    session.states().map(({ name }) => [name, [...(session.getState(name).data as Float32Array)]]),
  );
  session.close();
  return states;
}

describe('Muon', () => {
  // torch.optim.Muon 2.13 in fp32 (its Newton-Schulz otherwise rounds to bf16), four steps from and with `waves`
  const recorded: [shape: number[], keys: Partial<MuonOptions>, weights: number[]][] = [
    [[2, 3], {}, [0.3765423, 0.9296282, -0.7148469, -0.9828761, 1.1410364, 0.8202471]],
    [
      [3, 2],
      { adjust_lr_fn: 'match_rms_adamw' },
      [0.3220145, 1.0042086, -0.6475346, -0.9834568, 1.009872, 0.8244685],
    ],
    [[3, 2], { nesterov: false }, [0.3877409, 1.0940994, -0.7159173, -0.9991084, 1.0720767, 0.7360715]],
    [
      [2, 2],
      { nesterov: false, adjust_lr_fn: 'match_rms_adamw' },
      [0.3087262, 1.0097853, -0.6504608, -0.9607791],
    ],
  ];
  for (const [shape, keys, weights] of recorded) {
    it(`moves a matrix [${shape}] as torch.optim.Muon does: ${JSON.stringify(keys)}`, async () => {
      const steps = [0, 1, 2, 3].map((t) => ({ gradients: [waves(weights.length, 10 + 0.9 * t)] }));
      const states = await follow(keys, [projection('w', shape)], [waves(weights.length, 0.3)], steps);
      states.w!.forEach((value, i) => {
        expect(value).to.be.closeTo(weights[i]!, 2e-6);
      });
    });
  }

  it('moves each of a stack of experts as a matrix of its own, and one stored [in,out] by its rows as applied', async () => {
    const parts = [waves(6, 1), waves(6, 2)];
    const whole = Float32Array.from([...parts[0]!, ...parts[1]!]);
    const transposed = { ...projection('w', [2, 3]), projection: { transposed: true } };
    const stack = await follow({}, [projection('w', [2, 2, 3])], [whole], [{ gradients: [whole] }]);
    const each = await follow({}, [projection('w', [2, 3])], [parts[1]!], [{ gradients: [parts[1]!] }]);
    const turned = await follow({}, [transposed], [parts[1]!], [{ gradients: [parts[1]!] }]);
    stack.w!.slice(6).forEach((value, i) => {
      expect(value).to.be.closeTo(each.w![i]!, 1e-6);
      const decayed = parts[1]![i]! * (1 - 0.05 * 0.1);
      expect(turned.w![i]! - decayed).to.be.closeTo((each.w![i]! - decayed) * Math.sqrt(1.5), 1e-6);
    });
  });

  it('leaves every state as it was in a step whose gradient scale is NaN', async () => {
    const specs = [projection('w', [2, 3]), { ...projection('norm', [6]), projection: undefined }].map(
      ({ projection: kind, ...spec }) => (kind ? { ...spec, projection: kind } : spec),
    );
    const first = [waves(6, 0.3), waves(6, 4)];
    const good = { gradients: [waves(6, 1), waves(6, 2)] };
    const bad = { gradients: [new Float32Array(6).fill(Number.NaN), waves(6, 2)], scale: Number.NaN };
    expect(await follow({}, specs, first, [good, bad])).to.deep.equal(await follow({}, specs, first, [good]));
  });
});

describe('training with Muon', () => {
  const training = { optimizer: { name: 'muon' as const, ...options }, learning_rate: 5e-2 };

  it('learns, keeps one state of a projection and two of all else, and resumes bit for bit', async () => {
    const whole = await trainTiny({ ...training, max_steps: 20 });
    const curve = losses(whole.events);
    expect(curve.at(-1)).to.be.below(curve[0]! - 1);
    const kept = whole.session.states().map(({ name }) => name);
    const query = 'model.layers.0.self_attn.q_proj.weight';
    expect(kept.filter((name) => name.endsWith(query) && name !== query)).to.deep.equal([
      `optimizer.momentum_buffer.${query}`,
    ]);
    const embedding = 'model.embed_tokens.weight';
    expect(kept.filter((name) => name.endsWith(embedding)).length).to.equal(3);
    const part = await trainTiny({ ...training, max_steps: 20 }, { abortAfter: 7 });
    const rest = await trainTiny(
      { ...training, max_steps: 20 },
      { resumeFrom: join(part.folder, 'checkpoints', 'step_7') },
    );
    expect(rest.weights).to.deep.equal(whole.weights);
  });

  it('gives the same weights however a step is cut into micro-batches', async () => {
    const whole = await trainTiny(training);
    const cut = await trainTiny({ ...training, per_device_batch_size: 1 });
    for (const [name, weights] of whole.weights)
      expect(largestDifference(weights, cut.weights.get(name)!), name).to.be.below(5e-3);
  });

  it('is refused where no projection learns', async () => {
    const error = await trainTiny({ ...tinyTraining, ...training }, { loraDropout: 0 }).catch(
      (caught: unknown) => caught,
    );
    expect(error).to.be.instanceOf(SluiceError).with.property('code', 'config.optimizer');
  });
});
