import { join } from 'node:path';
import { expect } from 'chai';
import { losses, trainTiny } from './tiny-run.js';

describe('training in bf16', () => {
  it('follows the losses of fp32 training and learns as much', async () => {
    const [wide, narrow] = [
      losses((await trainTiny({ max_steps: 40 })).events),
      losses((await trainTiny({ max_steps: 40, dtype: 'bf16' })).events),
    ];
    expect(narrow).not.to.deep.equal(wide);
    // a loss is the mean of terms about 3, each of logits that carry bf16's 2^-8; it drifts as the weights do
    for (const [step, loss] of narrow.entries())
      expect(loss, `step ${step}`).to.be.closeTo(wide[step]!, 0.05);
    expect(narrow.at(-1)).to.be.below(narrow[0]! - 1);
  });

  it('keeps weights that bf16 could not tell apart', async () => {
    const { weights } = await trainTiny({ dtype: 'bf16', learning_rate: 1e-5 });
    const bits = new Uint32Array(weights.get('model.embed_tokens.weight')!.buffer);
    expect(bits.some((word) => (word & 0xffff) !== 0)).to.equal(true);
  });

  it('gives the same bits at any number of threads', async () => {
    const [one, two] = [
      await trainTiny({ dtype: 'bf16' }, { threads: 1 }),
      await trainTiny({ dtype: 'bf16' }, { threads: 2 }),
    ];
    for (const [name, weights] of one.weights) expect(two.weights.get(name), name).to.deep.equal(weights);
  });

  it('goes on from a checkpoint with the bits of the uninterrupted run, also with micro-batches', async () => {
    for (const per_device_batch_size of [4, 2]) {
      const training = { dtype: 'bf16', per_device_batch_size } as const;
      const whole = await trainTiny(training);
      const part = await trainTiny(training, { abortAfter: 2 });
      const rest = await trainTiny(training, { resumeFrom: join(part.folder, 'checkpoints', 'step_2') });
      for (const [name, weights] of whole.weights)
        expect(rest.weights.get(name), name).to.deep.equal(weights);
      expect(losses(rest.events)).to.deep.equal(losses(whole.events).slice(2));
    }
  });
});
