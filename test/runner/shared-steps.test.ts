import { expect } from 'chai';
import { SharedSteps } from '../../src/runner/shared-steps.js';
import { StepResources } from '../../src/runner/step-resources.js';

const gibibyte = 2 ** 30;
const need = (threads: number, bytes: number | null = gibibyte) => ({ threads, bytes: async () => bytes });

describe('the steps that run side by side', () => {
  it('take no more cores than there are, but for a step by itself', async () => {
    const resources = new StepResources(2, () => 100 * gibibyte);
    const large = need(4);
    expect(await resources.take(large)).to.equal(true);
    expect(await resources.take(need(1))).to.equal(false);
    resources.give(large);
    expect(await Promise.all([1, 1, 1].map((threads) => resources.take(need(threads))))).to.deep.equal([
      true,
      true,
      false,
    ]);
  });

  it('take no more memory than was free before any of them, an unknown need counting as one GiB', async () => {
    const resources = new StepResources(8, () => 10 * gibibyte);
    expect(await resources.take(need(1, 8 * gibibyte))).to.equal(true);
    expect(await resources.take(need(1, 2 * gibibyte))).to.equal(false);
    expect(await resources.take(need(1, null))).to.equal(true);
    expect(await resources.take(need(1, null))).to.equal(false);
  });

  it('are looked at again where others came or went while their memory was planned', async () => {
    const resources = new StepResources(8, () => 10 * gibibyte);
    const first = need(1, 9 * gibibyte);
    await resources.take(first);
    const slow = {
      threads: 1,
      bytes: async () => {
        resources.give(first);
        return 5 * gibibyte;
      },
    };
    expect(await resources.take(slow)).to.equal(true);
  });
});

describe('a step that several pipelines need', () => {
  it('is in the hands of one at a time, and others hear when it is let go', async () => {
    const shared = new SharedSteps('/nowhere');
    const [one, other] = [{}, {}];
    expect([shared.claim('key', one), shared.claim('key', one), shared.claim('key', other)]).to.deep.equal([
      true,
      true,
      false,
    ]);
    let heard = 0;
    const hearing = shared.changed().then(() => heard++);
    shared.release('key', other);
    await Promise.resolve();
    expect(heard).to.equal(0);
    shared.releaseAll(one);
    await hearing;
    expect(shared.claim('key', other)).to.equal(true);
  });
});
