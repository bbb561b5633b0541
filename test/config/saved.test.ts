import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { type ComposedConfig, compose } from '../../src/config/compose.js';
import { composeSaved } from '../../src/config/saved.js';

// dist/test/config/ -> the project
const configs = fileURLToPath(new URL('../../../configs', import.meta.url));
const names = readdirSync(configs).flatMap((file) => (file.endsWith('.yaml') ? [file.slice(0, -5)] : []));

const save = (composed: ComposedConfig) => ({
  config: { text: composed.yaml(), name: 'config.yaml' },
  hydra: { text: composed.hydraYaml(), name: 'hydra.yaml' },
});

describe('a saved config', () => {
  for (const configName of names) {
    it(`of ${configName} is read back to the same text`, () => {
      const overrides = ['seed=7', '+a="1.0"', '+b=[1e-5,null,0x1F]', 'hydra.job.num=3', "+c='x: y # z'"];
      const before = compose({ configDirs: [configs], configName, overrides, jobName: 'job' });
      before.beginJob('/somewhere');
      const after = composeSaved(save(before), {});
      expect(save(after)).to.deep.equal(save(before));
      expect(after.overrides).to.deep.equal({
        ...before.overrides,
        hydra: ['hydra.job.num=3', 'hydra.mode=RUN'],
      });
      expect(after.choices).to.deep.equal(before.choices);
    });
  }

  it('resolves what it refers to anew, also the folder of its new run', () => {
    const files = {
      config: { text: 'a: ${b}\nb: ${env:X}\nc: ${hydra:runtime.output_dir}/c\n', name: 'c' },
      hydra: {
        text: 'hydra:\n  mode: RUN\n  job:\n    name: j\n  runtime:\n    output_dir: /old\n',
        name: 'h',
      },
    };
    const composed = composeSaved(files, { resolvers: new Map([['env', ([name]) => `<${name}>`]]) });
    composed.beginJob('/new');
    expect(composed.config()).to.deep.equal({ a: '<X>', b: '<X>', c: '/new/c' });
    expect(composed.hydraYaml()).to.contain('output_dir: /new\n');
  });

  it('has to be one', () => {
    const read = () =>
      composeSaved({ config: { text: 'a: 1\n', name: 'c' }, hydra: { text: 'a: 1\n', name: 'h.yaml' } }, {});
    expect(read).to.throw('not a config that a run has saved').with.property('where', 'h.yaml');
  });
});
