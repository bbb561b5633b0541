import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'chai';
import { parse } from 'yaml';
import { editorSchemas } from '../../src/config/editor-schemas.js';
import { stages } from '../../stages/index.js';

// dist/test/config -> the project
const configs = fileURLToPath(new URL('../../../configs', import.meta.url));
const schemas = join(configs, '.schemas');
const files = readdirSync(configs, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.yaml'),
);

const ajv = new Ajv2020({ strict: false, allErrors: true });

/** The path in the line that editors read, as it stands there. */
function schemaLine(text: string): string {
  return /^# yaml-language-server: \$schema=(\S+)$/m.exec(text)?.[1] ?? '';
}

// As the editors' server reads YAML: version 1.2, with merge keys.
const read = (text: string) => parse(text, { merge: true }) as Record<string, unknown>;

describe('what editors check our YAML by', () => {
  before(() => {
    for (const name of readdirSync(schemas))
      ajv.addSchema(JSON.parse(readFileSync(join(schemas, name), 'utf8')));
  });

  it('is up to date; `./run config-schema write` makes it anew', () => {
    const made = editorSchemas(configs, stages);
    expect(readdirSync(schemas).sort()).to.deep.equal([...made.keys()].sort());
    for (const [name, text] of made) expect(readFileSync(join(schemas, name), 'utf8'), name).to.equal(text);
  });

  for (const file of files) {
    it(`takes configs/${file} as written, and with no key misspelt`, () => {
      const text = readFileSync(join(configs, file), 'utf8');
      const schema = join(dirname(join(configs, file)), schemaLine(text));
      expect(existsSync(schema), `the schema named by ${file}`).to.equal(true);
      const name = relative(schemas, schema);
      const validate = ajv.getSchema(name)!;
      const config = read(text);
      expect(validate(config), JSON.stringify(validate.errors)).to.equal(true);
      const accepted = misspelt(config, []).filter(([, changed]) => validate(changed));
      const free = (path: string) =>
        FREE.test(path) || (file === LAUNCHER.file && LAUNCHER.options.test(path));
      expect(accepted.map(([path]) => path).filter((path) => !free(path))).to.deep.equal([]);
    });
  }

  const rows: [what: string, file: string, yaml: string, good: boolean][] = [
    ['an interpolation for a number', 'pretrain.json', 'seed: ${other}', true],
    ['what is to be given before the run', 'pretrain.json', 'seed: ???', true],
    ['an interpolation for a mapping', 'pretrain.json', 'training: {optimizer: "${other}"}', true],
    ['another text for a number', 'pretrain.json', 'seed: many', false],
    ['a number that is too small', 'pretrain.json', 'seed: -1', false],
    ['a choice that is none', 'stage_1_pretrain.json', 'training: {quality_loss_type: mae}', false],
    ['defaults in a group', 'model.json', 'defaults: [base]\nhidden_size: 8', true],
    ['defaults in the values of a group', 'pretrain.json', 'model: {defaults: [base]}', false],
    ['a defaults list that is none', 'pretrain.json', 'defaults: base', false],
    ['settings of Hydra', 'pretrain.json', 'hydra: {run: {dir: x}, mode: MULTIRUN, job: {num: 3}}', true],
    ['a misspelt setting of Hydra', 'pretrain.json', 'hydra: {run: {dri: x}}', false],
    [
      'a step of a pipeline',
      'pipeline.json',
      'steps: {a: {stage: pretrain, config: {training: {epochs: 2}}}}',
      true,
    ],
    [
      'a misspelt key in its config',
      'pipeline.json',
      'steps: {a: {stage: pretrain, config: {training: {epoch: 2}}}}',
      false,
    ],
    [
      'one of a stage by its alias',
      'pipeline.json',
      'steps: {a: {stage: stage_1, config: {trainin: {}}}}',
      false,
    ],
  ];
  for (const [what, file, yaml, good] of rows) {
    it(`${good ? 'takes' : 'refuses'} ${what}`, () => {
      expect(ajv.getSchema(file)!(read(yaml))).to.equal(good);
    });
  }
});

/** Where any key is allowed: names (of steps, sinks, callbacks, adapters), options of what is registered, a pipeline's values. */
const FREE = new RegExp(
  [
    '(^|\\.)_target_$',
    '^(percentage|minimum|seed|log_times(\\..*)?)$',
    '^sinks\\.',
    '^(defaults|max_parallel|steps(\\.[^.]+)?)$',
    '^hydra\\.job_logging\\.',
  ].join('|'),
);

/** Options of a registered launcher: checked against its own schema when a command is composed. */
const LAUNCHER = { file: 'hydra/launcher/local.yaml', options: /^(n_jobs|threads|on_failure|retries)$/ };

/** The config with one key misspelt, for each of its keys. */
function misspelt(config: unknown, path: string[]): [path: string, changed: unknown][] {
  if (typeof config !== 'object' || config === null) return [];
  return Object.entries(config).flatMap(([key, value]): [string, unknown][] => {
    const copy = (change: Record<string, unknown>) =>
      Array.isArray(config)
        ? config
        : { ...Object.fromEntries(Object.entries(config).filter(([name]) => name !== key)), ...change };
    const own: [string, unknown][] = Array.isArray(config)
      ? []
      : [[[...path, key].join('.'), copy({ [`${key}x`]: value })]];
    const inside = misspelt(value, [...path, key]).map(([at, changed]): [string, unknown] => [
      at,
      copy({ [key]: changed }),
    ]);
    return [...own, ...(Array.isArray(config) ? [] : inside)];
  });
}
