import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'chai';

const tinyRun = JSON.stringify(new URL('tiny-run.js', import.meta.url));

/** sha256 of everything a training run leaves in its session, made in a process of its own. */
async function trainedIn(training: object, threads: number): Promise<string> {
  const script = `
    import { createHash } from 'node:crypto';
    import { trainTiny } from ${tinyRun};
    const { session, events } = await trainTiny(${JSON.stringify(training)}, { threads: ${threads} });
    const hash = createHash('sha256');
    for (const { name } of session.states().sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const { data } = session.getState(name);
      hash.update(name).update(new Uint8Array(data.buffer));
    }
    hash.update(JSON.stringify(events.flatMap((event) => (event.type === 'progress' ? [event.loss] : []))));
    console.log(hash.digest('hex'));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  return stdout.trim();
}

describe('the same training in several processes', () => {
  for (const training of [{}, { per_device_batch_size: 2 }, { dtype: 'bf16' }]) {
    it(`ends with the same bits, at any number of threads: ${JSON.stringify(training)}`, async () => {
      const hashes: string[] = [];
      for (const threads of [2, 2, 1, 3]) hashes.push(await trainedIn(training, threads));
      expect(hashes[0]).to.match(/^[0-9a-f]{64}$/);
      expect(new Set(hashes)).to.have.property('size', 1);
    });
  }
});
