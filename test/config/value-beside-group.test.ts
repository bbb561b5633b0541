import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { compose } from '../../src/config/index.js';

describe('an override whose key is the name of a group', () => {
  let folder: string;
  const composed = (configName: string, override: string) =>
    compose({ configDirs: [folder], configName, overrides: [override] }).config() as Record<string, unknown>;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-config-'));
    mkdirSync(join(folder, 'model'));
    writeFileSync(join(folder, 'model', 'tiny.yaml'), 'layers: 2\n');
    writeFileSync(join(folder, 'model', 'large.yaml'), 'layers: 24\n');
    writeFileSync(join(folder, 'train.yaml'), 'defaults: [{model: tiny}, _self_]\n');
    writeFileSync(join(folder, 'generate.yaml'), 'model: ???\n');
    writeFileSync(join(folder, 'other.yaml'), 'seed: 1\n');
  });
  after(() => rmSync(folder, { recursive: true }));

  it('chooses an option where the defaults list takes from the group', () => {
    expect(composed('train', 'model=large')).to.deep.equal({ model: { layers: 24 } });
    expect(() => composed('train', 'model=/a/folder')).to.throw("Could not find 'model//a/folder'");
  });

  it('sets the value where the config holds the key and takes nothing from the group', () => {
    expect(composed('generate', 'model=/a/folder')).to.deep.equal({ model: '/a/folder' });
    expect(composed('generate', 'model=tiny')).to.deep.equal({ model: 'tiny' });
  });

  it('is an error where neither is so', () => {
    expect(() => composed('other', 'model=tiny')).to.throw(
      "Could not override 'model'. No match in the defaults list.",
    );
  });
});
