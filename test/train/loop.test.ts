import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Session } from '../../src/engine/index.js';
import { SluiceError } from '../../src/errors.js';
import { largestDifference, losses, trainTiny } from './tiny-run.js';

describe('the training loop', () => {
  it('learns', async () => {
    const { events } = await trainTiny({ max_steps: 40 });
    const curve = losses(events);
    expect(curve[0]).to.be.closeTo(Math.log(37), 0.3);
    expect(curve.at(-1)).to.be.below(curve[0]! - 1);
  });

  it('gives the same losses and weights however a step is cut into micro-batches', async () => {
    const whole = await trainTiny();
    for (const per_device_batch_size of [1, 2]) {
      const cut = await trainTiny({ per_device_batch_size });
      const expected = losses(whole.events);
      for (const [step, loss] of losses(cut.events).entries())
        expect(loss).to.be.closeTo(expected[step]!, 2e-5);
      for (const [name, weights] of whole.weights) {
        // fp32 sums in another order, made larger by Adam's division where a gradient is nearly zero
        expect(largestDifference(weights, cut.weights.get(name)!), name).to.be.below(2e-3);
      }
    }
  });

  it('takes as few rows a pass as the processor still multiplies at full speed: all of them, where they are few', async () => {
    const [auto, whole] = [await trainTiny({ per_device_batch_size: 'auto' }), await trainTiny()];
    expect(losses(auto.events)).to.deep.equal(losses(whole.events));
  });

  it('gives the same bits at any number of threads', async () => {
    const [one, two] = [await trainTiny({}, { threads: 1 }), await trainTiny({}, { threads: 2 })];
    for (const [name, weights] of one.weights) expect(two.weights.get(name), name).to.deep.equal(weights);
  });

  it('writes a checkpoint when interrupted, and going on from it gives the bits of the uninterrupted run', async () => {
    const whole = await trainTiny();
    for (const abortAfter of [1, 4]) {
      const part = await trainTiny({}, { abortAfter });
      expect(readdirSync(join(part.folder, 'checkpoints'))).to.deep.equal([`step_${abortAfter}`]);
      const resumeFrom = join(part.folder, 'checkpoints', `step_${abortAfter}`);
      const rest = await trainTiny({}, { resumeFrom });
      for (const [name, weights] of whole.weights)
        expect(rest.weights.get(name), name).to.deep.equal(weights);
      expect(losses(rest.events)).to.deep.equal(losses(whole.events).slice(abortAfter));
    }
  });

  for (const training of [{}, { per_device_batch_size: 2 }, { max_grad_norm: null }]) {
    it(`stops at the first number that is none, naming op and layer, with the weights as they were: ${JSON.stringify(training)}`, async () => {
      const name = 'model.layers.1.self_attn.q_norm.weight';
      let held: Session | undefined;
      const error = await trainTiny(training, {
        prepare(session) {
          held = session;
          session.setState(name, 'f32', [16], new Float32Array(16).fill(3e38));
        },
      }).catch((caught: unknown) => caught);
      expect(error).to.be.instanceOf(SluiceError).with.property('code', 'train.not_finite');
      const { message, where, hint } = error as SluiceError;
      expect(hint).to.contain('those rows; no checkpoint was written before it');
      expect(message).to.match(
        /^loss is NaN at step 0: rms_norm "model\.layers\.1\.self_attn\.q_norm" \(line \d+\): output y \[\d+,12,16\] is not finite$/,
      );
      expect(where).to.equal('batch of step 0, seed 3: rows 0,1,2,3');
      for (const { name, dtype } of held!.states()) {
        const { data } = held!.getState(name);
        if (dtype === 'f32') expect(data.every(Number.isFinite), name).to.equal(true);
      }
      expect(held!.getState(name).data[0]).to.equal(Math.fround(3e38));
    });
  }

  it('names a checkpoint that does not hold the weights which gave no number', async () => {
    const error = await trainTiny({
      learning_rate: 1e30,
      max_grad_norm: null,
      save_every: 1,
      keep_last: null,
    }).catch((caught: unknown) => caught);
    // the warm-up is one step of rate 0, so the second one is the leap
    expect((error as SluiceError).message).to.match(/^loss is NaN at step 2:/);
    expect((error as SluiceError).hint).to.contain('checkpoints/step_1: extend=');
  });

  it('stops at an evaluation that gives no number, also the last, so that broken weights are no result', async () => {
    const error = await trainTiny(
      { save_every: 2 },
      { evaluate: (step) => ({ 'validation/loss': step < 6 ? 1 : Number.NaN }), evaluateEvery: 3 },
    ).catch((caught: unknown) => caught);
    expect(error).to.be.instanceOf(SluiceError).with.property('code', 'train.not_finite');
    expect((error as SluiceError).message).to.equal('validation/loss is NaN after step 6');
    expect((error as SluiceError).hint).to.contain('checkpoints/step_4: extend=');
  });

  it('says which per_device_batch_size would do when it does not divide batch_size', async () => {
    const error = await trainTiny({ batch_size: 6, per_device_batch_size: 4 }).catch(
      (caught: unknown) => caught,
    );
    expect(error).to.be.instanceOf(SluiceError).with.property('code', 'config.batch_size');
    expect(error).to.have.property(
      'message',
      'training.batch_size=6 must be a multiple of training.per_device_batch_size=4',
    );
    expect(error).to.have.property('hint', 'per_device_batch_size can be 1, 2, 3, 6');
  });

  it('logs means over each interval with learning rate, gradient norm and speed', async () => {
    const { events, folder } = await trainTiny();
    const logged = events.filter((event) => event.type === 'metrics');
    expect(logged.map((event) => event.step)).to.deep.equal([2, 4, 6]);
    expect(logged[0]!.values).to.have.all.keys(
      ['loss', 'lm_loss', 'accuracy', 'grad_norm', 'learning_rate', 'tokens_per_second', 'mfu'].map(
        (name) => `train/${name}`,
      ),
    );
    const curve = losses(events);
    expect(logged[1]!.values['train/lm_loss']).to.be.closeTo((curve[2]! + curve[3]!) / 2, 1e-6);
    const plan = JSON.parse(readFileSync(join(folder, 'plan.json'), 'utf8'));
    expect(plan.planned_bytes).to.equal(plan.state_bytes + plan.arena_bytes + plan.programs[0].input_bytes);
    for (const { name, ops, arena_bytes, held, peak_op } of plan.programs) {
      expect(held.bytes, name).to.have.length.within(ops / held.stretch, 240);
      expect(Math.max(...held.bytes), name).to.be.within(0.8 * arena_bytes, arena_bytes);
      expect(peak_op.index, name).to.be.within(0, ops - 1);
    }
  });
});
