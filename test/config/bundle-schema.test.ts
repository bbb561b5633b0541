import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'chai';
import { bundleSchema, isSchema, type JsonSchema, mapSchemas } from '../../src/config/bundle-schema.js';
import { compose, loadSchema } from '../../src/config/index.js';
import { withFiles } from './fixture.js';

// dist/test/config -> the project
const configs = fileURLToPath(new URL('../../../configs', import.meta.url));
const names = readdirSync(configs).filter(
  (name) => name.endsWith('.schema.json') && name !== 'common.schema.json',
);

function bundle(files: Record<string, JsonSchema>): JsonSchema {
  const texts = Object.fromEntries(
    Object.entries(files).map(([name, schema]) => [name, JSON.stringify(schema)]),
  );
  return withFiles(texts, (folder) => bundleSchema(loadSchema(join(folder, 'a.schema.json'))));
}

describe('a schema in one piece', () => {
  for (const name of names) {
    it(`stands alone and is strict: ${name}`, () => {
      const schema = bundleSchema(loadSchema(join(configs, name)));
      new Ajv2020({ strict: true }).compile(schema);
      const open: unknown[] = [];
      mapSchemas(schema, (inner) => {
        if (isSchema(inner.properties) && inner.type === 'object' && inner.additionalProperties === undefined)
          open.push(inner);
        return inner;
      });
      expect(open, 'mappings that take unknown keys without saying so').to.deep.equal([]);
    });
  }

  it('takes the config that the stage has, and no misspelt key at any depth', () => {
    const schema = bundleSchema(loadSchema(join(configs, 'stage_1_pretrain.schema.json')));
    const validate = new Ajv2020({ strict: true }).compile(schema);
    const resolvers = new Map([['run', () => 'somewhere']]);
    const valid = (overrides: string[]) =>
      validate(
        compose({ configDirs: [configs], configName: 'stage_1_pretrain', overrides, resolvers }).config(),
      );
    expect(valid([]), JSON.stringify(validate.errors)).to.equal(true);
    for (const key of [
      'seeed',
      'dataset.maping',
      'dataset.mapping.idd',
      'training.lora.rr',
      'training.optimizer.beta3',
    ])
      expect(valid([`+${key}=1`]), key).to.equal(false);
  });

  it('names definitions of other files apart where they have the same name', () => {
    const { $defs, properties } = bundle({
      'a.schema.json': {
        $defs: { size: { type: 'integer' } },
        properties: {
          x: { $ref: '#/$defs/size' },
          y: { $ref: 'b.schema.json#/$defs/size' },
          z: { $ref: 'b.schema.json' },
        },
      },
      'b.schema.json': {
        type: 'object',
        properties: { n: { $ref: '#/$defs/size' } },
        $defs: { size: { type: 'string' } },
      },
    });
    expect(properties).to.deep.equal({
      x: { $ref: '#/$defs/size' },
      y: { $ref: '#/$defs/b.size' },
      z: { $ref: '#/$defs/b' },
    });
    expect($defs).to.deep.equal({
      b: { type: 'object', properties: { n: { $ref: '#/$defs/b.size' } }, additionalProperties: false },
      'b.size': { type: 'string' },
      size: { type: 'integer' },
    });
  });

  it('leaves out keywords of our own, also where a key has the name of one', () => {
    const { properties } = bundle({
      'a.schema.json': { properties: { mustExist: { type: 'string', mustExist: 'file' } } },
    });
    expect(properties).to.deep.equal({ mustExist: { type: 'string' } });
  });

  it('may refer to itself', () => {
    const { $defs } = bundle({
      'a.schema.json': {
        $ref: '#/$defs/tree',
        $defs: { tree: { properties: { inner: { $ref: '#/$defs/tree' } } } },
      },
    });
    expect($defs).to.deep.equal({
      tree: { properties: { inner: { $ref: '#/$defs/tree' } }, additionalProperties: false },
    });
  });
});
