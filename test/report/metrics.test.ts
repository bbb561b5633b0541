import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { readMetrics, thinned } from '../../src/report/metrics.js';
import { removeTemporaryFolders, temporaryFolder } from './fixture/run-folders.js';

describe('report/metrics', () => {
  after(removeTemporaryFolders);

  async function read(text: string) {
    const path = join(await temporaryFolder(), 'metrics.jsonl');
    await writeFile(path, text);
    return await readMetrics(path);
  }

  it('curves have their own steps: a measure logged now and then is no gap in the others', async () => {
    const text = '{"step":1,"train/loss":4}\n{"step":2,"train/loss":3,"validation/loss":3.5}\n';
    expect(await read(text)).to.deep.equal([
      { name: 'train/loss', steps: [1, 2], values: [4, 3] },
      { name: 'validation/loss', steps: [2], values: [3.5] },
    ]);
  });

  it('the torn last line of a killed run is passed over', async () => {
    expect(await read('{"step":1,"loss":4}\n{"step":2,"lo')).to.deep.equal([
      { name: 'loss', steps: [1], values: [4] },
    ]);
  });

  it('what is not a number is a gap; lines that are no objects are passed over', async () => {
    const text = '{"step":1,"loss":null,"bad":"NaN"}\n{"step":2,"loss":2}\n[]\n7\n';
    expect(await read(text)).to.deep.equal([
      { name: 'loss', steps: [1, 2], values: [null, 2] },
      { name: 'bad', steps: [1], values: [null] },
    ]);
  });

  it('no file gives no curves', async () => {
    expect(await readMetrics(join(await temporaryFolder(), 'metrics.jsonl'))).to.deep.equal([]);
  });

  it('thinning keeps the ends, the spike and the order of steps', () => {
    const steps = Array.from({ length: 10_000 }, (_, index) => index);
    const values = steps.map((step) => (step === 6543 ? 99 : Math.sin(step / 500)));
    const few = thinned({ name: 'loss', steps, values }, 200);
    expect(few.steps.length).to.be.at.most(200);
    expect(few.values).to.include(99);
    expect([few.steps[0], few.steps.at(-1)]).to.deep.equal([0, 9999]);
    expect(few.steps).to.deep.equal([...few.steps].sort((left, right) => left - right));
  });
});
