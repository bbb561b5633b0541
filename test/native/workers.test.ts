import { createHash } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { longProgram, openSession } from './programs.js';

const programs = JSON.stringify(new URL('programs.js', import.meta.url));
const size = 160;
const values = (seed: number) =>
  Float32Array.from({ length: size * size }, (_, i) => Math.sin(i + seed) / 99);
const digest = (data: ArrayBuffer) => createHash('sha256').update(new Uint8Array(data)).digest('hex');

/** Starts a worker thread that loads the addon, opens a session and runs one program `runs` times. */
function startWorker(seed: number, runs: number): Worker {
  const code = `
    import { createHash } from 'node:crypto';
    import { parentPort } from 'node:worker_threads';
    import { longProgram, openSession } from ${programs};
    const session = openSession();
    const program = session.load(longProgram(${size}, 5));
    const x = Float32Array.from({ length: ${size * size} }, (_, i) => Math.sin(i + ${seed}) / 99);
    const seen = new Set();
    for (let i = 0; i < ${runs}; i++) {
      const { outputs } = await program.run({ x });
      seen.add(createHash('sha256').update(new Uint8Array(outputs.y)).digest('hex'));
    }
    session.close();
    parentPort.postMessage([...seen]);`;
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), { eval: false });
}

function messageOf(worker: Worker): Promise<string[]> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

describe('the addon in worker threads', () => {
  it('runs sessions of two workers and of the main thread at once, each with its own numbers', async () => {
    const workers = [1, 2].map((seed) => messageOf(startWorker(seed, 20)));
    const session = openSession();
    const program = session.load(longProgram(size, 5));
    const expected: string[] = [];
    for (const seed of [1, 2]) expected.push(digest((await program.run({ x: values(seed) })).outputs.y!));
    expect(await Promise.all(workers)).to.deep.equal(expected.map((hash) => [hash]));
    session.close();
  });

  it('can be loaded by one worker after another', async () => {
    const hashes: string[][] = [];
    for (let round = 0; round < 4; round++) {
      const worker = startWorker(1, 1);
      hashes.push(await messageOf(worker));
      await worker.terminate();
    }
    expect(new Set(hashes.flat())).to.have.property('size', 1);
  });
});
