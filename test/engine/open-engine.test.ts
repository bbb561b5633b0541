import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { checkOpNames, openEngine } from '../../src/engine/engine.js';
import { SluiceError } from '../../src/errors.js';
import { opList } from '../../src/graph/op-list.js';

async function refusal(promise: Promise<unknown>): Promise<SluiceError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof SluiceError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('opening the engine', () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'engine-'));
  });

  after(() => rm(folder, { recursive: true }));

  it('says how to build an engine that is not there', async () => {
    const error = await refusal(openEngine(join(folder, 'none.node')));
    expect(error.code).to.equal('engine.missing');
    expect(error.message).to.equal('the native engine is not built');
    expect(error.hint).to.equal('build it with `./run --setup`');
    expect(error.where).to.equal(join(folder, 'none.node'));
  });

  it('refuses a file that is no native module', async () => {
    await writeFile(join(folder, 'broken.node'), 'not a library');
    const error = await refusal(openEngine(join(folder, 'broken.node')));
    expect(error.code).to.equal('engine.unloadable');
    expect(error.message).to.match(/^the native engine does not load: .*broken\.node/);
    expect(error.cause).to.be.instanceOf(Error);
  });

  it('refuses an engine built from another op list, naming the differences', () => {
    const names = Object.keys(opList);
    expect(() => checkOpNames(names)).to.not.throw();
    expect(() => checkOpNames([...names.filter((name) => name !== 'exp'), 'dance'])).to.throw(
      'the native engine was built from another op list: -exp +dance',
    );
  });
});
