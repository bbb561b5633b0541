import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { compose, loadSchema } from '../../src/config/index.js';
import { loadStage, stages } from '../../stages/index.js';

const configs = fileURLToPath(new URL('../../../configs/', import.meta.url));

describe('the list of stages', () => {
  for (const { name, config } of stages) {
    it(`has ${name} with its code, a config that composes and a schema that names every key of it`, async () => {
      const stage = await loadStage(name);
      expect(stage.name).to.equal(name);
      const { schemas, name: root } = loadSchema(`${configs}${config}.schema.json`);
      const known = Object.keys(schemas.get(root)!.properties as object);
      const keys = Object.keys(
        compose({ configDirs: [configs], configName: config, jobName: name }).unresolved(),
      );
      expect(known).to.include.members(keys);
    });
  }

  it('gives no two stages one name', () => {
    const names = stages.flatMap(({ name, aliases }) => [name, ...aliases]);
    expect(names).to.deep.equal([...new Set(names)]);
  });
});
