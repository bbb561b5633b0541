import { join } from 'node:path';
import { expect } from 'chai';
import { bf16ToF32, f32ToBf16 } from '../../src/checkpoint/index.js';
import type { Session } from '../../src/engine/index.js';
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

  it('trains adapters on weights held in bf16 alone as on the same numbers in f32, to the bit', async () => {
    const training = { dtype: 'bf16', max_steps: 4 } as const;
    const narrow = await trainTiny(training, { loraDropout: 0, frozen: 'bf16' });
    const wide = await trainTiny(training, { loraDropout: 0, prepare: roundFrozen });
    expect(losses(narrow.events)).to.deep.equal(losses(wide.events));
    for (const [name, weights] of wide.weights) expect(narrow.weights.get(name), name).to.deep.equal(weights);
    const held = narrow.session.states().filter(({ name }) => /embed_tokens|_proj\.weight$/.test(name));
    expect(held).to.have.lengthOf(15);
    for (const { name, dtype } of held) expect(dtype, name).to.equal('bf16');
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

/** What weights held in bf16 would be, in f32: embeddings and projections; the rest is f32 either way. */
function roundFrozen(session: Session): void {
  for (const { name, shape } of session.states()) {
    if (!/embed_tokens|_proj\.weight$/.test(name)) continue;
    const data = session.getState(name).data as Float32Array;
    session.setState(name, 'f32', shape, bf16ToF32(f32ToBf16(data)));
  }
}
