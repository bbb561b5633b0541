import { expect } from 'chai';
import { checkSchema, compose, loadSchema, SchemaError } from '../../src/config/index.js';
import { failureOf, withFiles } from './fixture.js';

const SCHEMA = {
  type: 'object',
  required: ['name'],
  properties: {
    name: { type: 'string', minLength: 1 },
    lr: { type: 'number', exclusiveMinimum: 0 },
    device: { enum: ['auto', 'cpu', 'cuda'] },
    speed: { type: 'string', pattern: '^(slow|fast[0-9])$', description: 'slow or fastN.' },
    layers: {
      type: 'array',
      minItems: 1,
      items: { type: 'object', properties: { size: { type: 'integer' } } },
    },
    source: {
      anyOf: [
        { type: 'null' },
        {
          type: 'object',
          properties: { path: { type: 'string' }, rows: { type: 'integer' } },
          additionalProperties: false,
        },
      ],
    },
    seed: { $ref: 'common.schema.json#/$defs/seed' },
  },
};
const COMMON = { $defs: { seed: { type: 'integer', minimum: 0 } } };
const GOOD = 'name: x\nlr: 0.1\ndevice: cpu\nlayers:\n- size: 1\nsource: null\nseed: 1\n';

async function violations(yaml: string, overrides: string[] = []): Promise<string[]> {
  const files = {
    'config.yaml': yaml,
    'stage.schema.json': JSON.stringify(SCHEMA),
    'common.schema.json': JSON.stringify(COMMON),
  };
  const [composed, schema] = withFiles(files, (folder) => {
    const result = compose({ configDirs: [folder], configName: 'config', cwd: folder, overrides });
    result.config();
    return [result, loadSchema(`${folder}/stage.schema.json`)] as const;
  });
  const found = await checkSchema(composed.config(), schema, (path) => composed.origin(path)?.where);
  return found.map(({ path, message, where, hint }) =>
    [path, message, where, hint].filter((part) => part !== undefined).join(' | '),
  );
}

describe('the schema check', () => {
  it('has nothing to say about a good config', async () => {
    expect(await violations(GOOD)).to.deep.equal([]);
  });

  const rows: [what: string, overrides: string[], message: string][] = [
    ['an unknown key', ['+nme=1'], 'nme | unknown key | override +nme=1 | did you mean name?'],
    [
      'an unknown key deep inside, though the schema does not forbid it',
      ['+layers.0.sze=1'],
      'layers[0].sze | unknown key | override +layers.0.sze=1 | did you mean size?',
    ],
    ['a wrong type', ['lr=abc'], 'lr | expected a number, got "abc" | override lr=abc'],
    ['a value out of range', ['lr=0'], 'lr | expected more than 0, got 0 | override lr=0'],
    [
      'a wrong choice',
      ['device=cuad'],
      'device | expected one of auto, cpu, cuda, got "cuad" | override device=cuad | did you mean cuda?',
    ],
    [
      'a text of another form',
      ['+speed=fast'],
      'speed | expected slow or fastN, got "fast" | override +speed=fast',
    ],
    ['an empty list', ['layers=[]'], 'layers | expected at least 1 item, got [] | override layers=[]'],
    ['a missing key', ['~name'], 'name | missing; expected text | set it: +name=…'],
    [
      'a value that was left out',
      ['name=1', 'lr=???'],
      'lr | has no value (???); expected a number | override lr=??? | set it: lr=…',
    ],
    ['a value of no branch', ['source=5'], 'source | expected null or a mapping, got 5 | override source=5'],
    [
      'a key of the branch that fits',
      ['+source={paht:x}'],
      'source.paht | unknown key | override +source={paht:x} | did you mean path?',
    ],
    ['a schema of another file', ['seed=-1'], 'seed | expected at least 0, got -1 | override seed=-1'],
  ];
  for (const [what, overrides, message] of rows) {
    it(`reports ${what}`, async () => {
      expect(await violations(GOOD, overrides)).to.include(message);
    });
  }

  it('names file, line and column, and reports all at once, sorted', async () => {
    const yaml = 'name: x\nlr: fast\ndevice: gpu\nextra: {deep: 1}\n';
    expect(await violations(yaml)).to.deep.equal([
      'device | expected one of auto, cpu, cuda, got "gpu" | config.yaml:3:9 | did you mean cpu?',
      'extra | unknown key | config.yaml:4:8 | keys here: name, lr, device, speed, layers, source, seed',
      'lr | expected a number, got "fast" | config.yaml:2:5',
    ]);
  });

  it('makes one error of them', () => {
    const error = new SchemaError([
      { path: 'lr', where: 'config.yaml:2:5', message: 'expected a number, got "x"', hint: undefined },
      { path: 'nme', where: undefined, message: 'unknown key', hint: 'did you mean name?' },
    ]);
    expect(error.code).to.equal('config.schema');
    expect(error.exitCode).to.equal(2);
    expect(error.message).to.equal(
      'the config has 2 mistakes:\n  lr: expected a number, got "x"\n    at config.yaml:2:5\n  nme: unknown key\n    did you mean name?',
    );
  });

  it('says which schema file is missing', () => {
    expect(failureOf(() => loadSchema('/nowhere/x.schema.json')).code).to.equal('config.file');
  });
});
