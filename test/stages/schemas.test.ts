import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { parse } from 'yaml';
import {
  checkConfig,
  checkSchema,
  compileSchema,
  compose,
  loadSchema,
  ownKeywords,
  trackReads,
} from '../../src/config/index.js';
import { buildModel } from '../../src/models/index.js';
import { stages } from '../../stages/index.js';

const configs = fileURLToPath(new URL('../../../configs/', import.meta.url));
const schemaFiles = readdirSync(configs).filter((name) => name.endsWith('.schema.json'));

/** Every schema inside a schema with the path to it. */
function* parts(schema: unknown, path = ''): Generator<[path: string, schema: Record<string, unknown>]> {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return;
  for (const [key, value] of Object.entries(schema)) {
    if (key !== 'properties' && key !== '$defs') yield* parts(value, `${path}/${key}`);
    else {
      for (const [name, part] of Object.entries(value as Record<string, Record<string, unknown>>)) {
        yield [`${path}.${name}`, part];
        yield* parts(part, `${path}.${name}`);
      }
    }
  }
}

describe('the schemas of configs/', () => {
  for (const file of schemaFiles) {
    it(`${file} describes every key`, () => {
      const silent = [...parts(JSON.parse(readFileSync(join(configs, file), 'utf8')))]
        .filter(([path, part]) => !path.includes('/') && !('description' in part || '$ref' in part))
        .map(([path]) => path);
      expect(silent).to.deep.equal([]);
    });
  }

  it('say beside JSON Schema only what the check knows', () => {
    const known = new Set([
      ...ownKeywords,
      ...['$schema', '$id', '$ref', '$defs', 'title', 'description', 'type', 'properties', 'required'],
      ...['additionalProperties', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'minLength'],
      ...['enum', 'const', 'pattern', 'items', 'prefixItems', 'minItems', 'maxItems', 'uniqueItems', 'anyOf'],
      ...['allOf', 'oneOf', 'if', 'then', 'else', 'minProperties', 'default'],
    ]);
    const strange = schemaFiles.flatMap((file) => {
      const schema = JSON.parse(readFileSync(join(configs, file), 'utf8'));
      return [['', schema] as const, ...parts(schema)].flatMap(([path, part]) =>
        Object.keys(part)
          .filter((key) => !known.has(key))
          .map((key) => `${file}${path}: ${key}`),
      );
    });
    expect(strange).to.deep.equal([]);
  });

  const groups = schemaFiles
    .map((file) => file.replace('.schema.json', ''))
    .filter((name) =>
      readdirSync(configs, { withFileTypes: true }).some((each) => each.isDirectory() && each.name === name),
    );
  for (const group of groups) {
    it(`accept every option of the group ${group}`, async () => {
      for (const option of readdirSync(join(configs, group))) {
        const content: unknown = parse(readFileSync(join(configs, group, option), 'utf8'), {
          version: '1.1',
        });
        expect(
          await checkSchema(content, loadSchema(join(configs, `${group}.schema.json`))),
          option,
        ).to.deep.equal([]);
      }
    });
  }

  const models = readdirSync(join(configs, 'model')).map((file) => file.replace('.yaml', ''));
  it('let a model have only keys that its family reads', async () => {
    const properties = loadSchema(join(configs, 'model.schema.json')).schemas.get('model.schema.json')!
      .properties as Record<string, { onlyWhen?: { model_type: string | string[] } }>;
    for (const option of models) {
      const config = parse(readFileSync(join(configs, 'model', `${option}.yaml`), 'utf8')) as Record<
        string,
        unknown
      >;
      const allowed = Object.entries(properties)
        .filter(
          ([, { onlyWhen }]) =>
            onlyWhen === undefined || [onlyWhen.model_type].flat().includes(config.model_type as string),
        )
        .map(([key]) => key);
      const { config: view, unread } = trackReads({ ...config, vocab_size: 64 });
      await buildModel(view);
      // the stage reads it, for the loss
      expect(
        unread().filter((key) => key !== 'router_aux_loss_coef'),
        option,
      ).to.deep.equal([]);
      expect(Object.keys(config), option).to.have.members(allowed);
    }
  });

  const refused: [stage: string, overrides: string[], problems: string[]][] = [
    [
      'prepare',
      ['pool.passage_words=[40,25]'],
      ['pool.passage_words: expected numbers that go up, got [40,25]'],
    ],
    [
      'prepare',
      [
        'pool.defects={shuffled: 0,truncated: 0,wrong_script: 0,mojibake: 0,boilerplate: 0,markup: 0,mislabelled: 0,char_noise: 0,repetition: 0}',
      ],
      ['pool.defects: expected a weight above 0, got none'],
    ],
    ['prepare', ['source.name=files'], ['source.path: expected a value, as source.name is files; got null']],
    [
      'prepare',
      ['pool.kinds=[century]', 'pool.speakers=3'],
      ['pool.speakers: 3 has no effect: pool.kinds does not have speaker'],
    ],
    [
      'generate',
      ['model=x'],
      [': expected one of prompt and prompt_ids and prompts and prompts_file, got none'],
    ],
    [
      'generate',
      ['model=x', 'prompt=a', 'prompt_ids=[1]'],
      [': expected one of prompt and prompt_ids and prompts and prompts_file, got prompt and prompt_ids'],
    ],
    [
      'generate',
      ['model=x', 'prompt=a', 'temperature=0', 'top_k=5'],
      ['top_k: 5 has no effect: temperature is 0'],
    ],
    [
      'bench',
      ['model.num_attention_heads=3'],
      [
        'model.hidden_size: expected a multiple of model.num_attention_heads=3, got 256',
        'model.num_attention_heads: expected a multiple of model.num_key_value_heads=4, got 3',
      ],
    ],
    [
      'bench',
      ['model=olmoe_tiny', 'model.num_experts_per_tok=17'],
      ['model.num_experts_per_tok: expected at most model.num_experts=16, got 17'],
    ],
    [
      'pretrain',
      ['schedule@training.schedule=warmup_stable_decay', 'training.schedule.warmup_ratio=0.9'],
      ['training.schedule: expected warmup_ratio + decay_ratio to be at most 1, got 0.9 + 0.2'],
    ],
    [
      'pretrain',
      ['schedule@training.schedule=constant', '+training.schedule.power=2'],
      ['training.schedule.power: 2 has no effect: training.schedule.name is constant'],
    ],
    ['pretrain', ['training.schedule.name=warmup_stable_decay'], ['training.schedule.decay_ratio: missing']],
    [
      'stage_4_evaluate',
      ['questions.data_path=null', 'questions.batch_size=8'],
      ['questions.batch_size: 8 has no effect: questions.data_path is null'],
    ],
  ];
  for (const [stage, overrides, problems] of refused) {
    it(`refuse ${stage} ${overrides.join(' ')}`, async () => {
      const resolvers = new Map([['run', () => 'made']]);
      const composed = compose({ configDirs: [configs], configName: stage, overrides, resolvers });
      const validate = await compileSchema(loadSchema(`${configs}${stage}.schema.json`));
      const { violations } = checkConfig(composed, validate);
      expect(violations.map(({ path, message }) => `${path}: ${message}`)).to.deep.equal(problems);
    });
  }

  it('accept the config of every stage as it is', async () => {
    const given: Record<string, string[]> = { generate: ['model=x', 'prompt=a'] };
    for (const { config } of stages) {
      const resolvers = new Map([['run', () => 'made']]);
      const composed = compose({
        configDirs: [configs],
        configName: config,
        overrides: given[config] ?? [],
        resolvers,
      });
      const validate = await compileSchema(loadSchema(`${configs}${config}.schema.json`));
      const { violations, warnings } = checkConfig(composed, validate);
      expect([violations, warnings], config).to.deep.equal([[], []]);
    }
  });
});
