import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import {
  type CheckOptions,
  checkConfig,
  compileSchema,
  compose,
  SchemaError,
} from '../../src/config/index.js';

const SCHEMA = {
  type: 'object',
  properties: {
    seed: { type: 'integer', minimum: 0, readBy: 'runner' },
    other: { type: ['integer', 'string', 'object', 'null'] },
    name: { enum: ['constant', 'linear', 'steps'] },
    batch: { type: 'integer', multipleOfKey: 'pass' },
    pass: { type: 'integer' },
    experts: { type: 'integer', atMostKey: 'all_experts' },
    all_experts: { type: 'integer' },
    split: {
      type: 'object',
      properties: { validation: { type: 'number' }, test: { type: 'number' } },
      sumOfKeys: { keys: ['validation', 'test'], below: 1 },
    },
    words: { type: 'array', items: { type: 'integer' }, increasing: true },
    file: { type: ['string', 'null'], mustExist: 'file', requiredWhen: { name: 'steps' } },
    folder: { type: 'string', mustExist: 'folder', holding: ['config.json', 'tokenizer.json'] },
    resume: { type: 'string', mustExist: 'checkpoints' },
    device: { type: 'string', device: true },
    threads: { type: 'integer', atMostCores: true },
    warmup: { type: 'number', readWhen: { name: { not: 'constant' } } },
    gamma: { type: 'number', onlyWhen: { name: ['steps'] } },
    kinds: { type: 'array', items: { type: 'string' } },
    lora: {
      type: 'object',
      properties: { r: { type: 'integer' }, on: { type: 'boolean' } },
      readWhen: { kinds: { has: 'lora' } },
    },
    loss: { type: 'object', properties: { weight: { type: 'number', readWhen: { '..name': 'steps' } } } },
    prompt: { type: 'string' },
    ids: { type: 'array' },
    again: { type: ['string', 'null'] },
    more: { type: ['string', 'null'] },
  },
  atMostOneOf: ['again', 'more'],
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  allOf: [{ if: { properties: { name: { const: 'linear' } } }, then: { required: ['warmup'] } }],
};

describe('the check of a config', () => {
  let root: string;
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'sluice-check-'));
    for (const [path, text] of Object.entries({
      'data/rows.jsonl': '',
      'gpt/config.json': '{}',
      'bare/config.json': '{}',
      'run/run.json': '{"stage": "pretrain"}',
      'run/checkpoints/step_3/state': '',
      'gpt/tokenizer.json': '{}',
      'config.yaml':
        'name: constant\nkinds: [lora]\nwarmup: 0.1\nlora: {r: 16}\nloss: {weight: 1}\nother: null\nbatch: 16\npass: 8\n',
    })) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
  });
  after(() => rmSync(root, { recursive: true }));

  async function check(overrides: string[], options: CheckOptions = {}) {
    const composed = compose({ configDirs: [root], configName: 'config', cwd: root, overrides });
    return checkConfig(composed, await compileSchema(SCHEMA), {
      stage: 'finetune',
      resolvePath: (path) => join(root, path),
      missingDevice: (name) => (name === 'cuda' ? { message: 'there is no driver' } : undefined),
      cores: 2,
      ...options,
    });
  }
  const text = ({
    path,
    message,
    where,
    hint,
  }: {
    path: string;
    message: string;
    where: string | undefined;
    hint: string | undefined;
  }) => [path, message, where, hint].filter((part) => part !== undefined && part !== '').join(' | ');

  const rows: [what: string, overrides: string[], problems: string[]][] = [
    [
      'a rule between two keys with the places of both',
      ['batch=20'],
      [
        'batch | expected a multiple of pass=8, got 20 | override batch=20; pass at config.yaml:8:7 | batch can be 16 or 24, or pass one of 1, 2, 4, 5, 10, 20',
      ],
    ],
    [
      'a limit that another key sets',
      ['+experts=9', '+all_experts=8'],
      [
        'experts | expected at most all_experts=8, got 9 | override +experts=9; all_experts at override +all_experts=8',
      ],
    ],
    [
      'a sum over its limit, by its parts',
      ['+split={validation: 0.5, test: 0.6}'],
      [
        'split | expected validation + test to be below 1, got 0.5 + 0.6 | override +split={validation: 0.5, test: 0.6}',
      ],
    ],
    [
      'numbers in the wrong order',
      ['+words=[5,4]'],
      ['words | expected numbers that go up, got [5,4] | override +words=[5,4]'],
    ],
    [
      'a path that is not there, with the nearest',
      ['+file=dta/rows.jsonl'],
      [
        'file | expected a file, got "dta/rows.jsonl", which does not exist | override +file=dta/rows.jsonl | did you mean data/rows.jsonl?',
      ],
    ],
    [
      'a folder in the place of a file',
      ['+file=data'],
      ['file | expected a file, got "data", which is a folder | override +file=data'],
    ],
    [
      'a folder that lacks what it must hold',
      ['+folder=bare'],
      [
        'folder | expected a folder with config.json and tokenizer.json, got "bare", which has no tokenizer.json | override +folder=bare',
      ],
    ],
    [
      'checkpoints of another stage',
      ['+resume=run/checkpoints/step_3'],
      [
        'resume | expected latest, a run folder with checkpoints/, or a checkpoints/step_<n> folder, got "run/checkpoints/step_3", which is of pretrain, not of finetune | override +resume=run/checkpoints/step_3',
      ],
    ],
    [
      'two of what there can be one of',
      ['+again=run', '+more=run'],
      [
        'expected at most one of again, more, got again and more | again at override +again=run; more at override +more=run',
      ],
    ],
    ['a device that is not there', ['+device=cuda'], ['device | there is no driver | override +device=cuda']],
    [
      'a value that another one makes necessary',
      ['name=steps', '+file=null'],
      [
        'file | expected a value, as name is steps; got null | override +file=null; name at override name=steps',
      ],
    ],
    [
      'a choice that there is not, and not what hangs on it',
      ['name=stes', '+gamma=2'],
      [
        'name | expected one of constant, linear, steps, got "stes" | override name=stes | did you mean steps?',
      ],
    ],
    [
      'a key that only another choice has, whoever set it',
      ['+gamma=2'],
      [
        'gamma | no key of this config, as name is constant | override +gamma=2; name at config.yaml:1:7 | there is one when name is steps',
      ],
    ],
    [
      'a key that a choice makes necessary',
      ['name=linear', '~warmup'],
      ['warmup | missing | set it: +warmup=…'],
    ],
    [
      'an override that nothing will read',
      ['warmup=0.2'],
      [
        'warmup | 0.2 has no effect: name is constant | override warmup=0.2 | it is read when name is not constant; leave it out, or change that',
      ],
    ],
    [
      'one deep inside what nothing will read, and not what is written in the file',
      ['kinds=[]', '+lora.on=true', 'loss.weight=3'],
      [
        'lora.on | true has no effect: kinds does not have lora | override +lora.on=true | it is read when kinds has lora; leave it out, or change that',
        'loss.weight | 3 has no effect: name is constant | override loss.weight=3 | it is read when name is steps; leave it out, or change that',
      ],
    ],
    [
      'a wrong value through the interpolations that brought it',
      ['+seed=${other}', 'other=-1'],
      ['seed | expected at least 0, got -1 | override +seed=${other} as ${other}, from override other=-1'],
    ],
    [
      'a wrong value inside a mapping that an interpolation brought',
      ['other={r: x}', 'lora=${other}'],
      [
        'lora.r | expected an integer, got "x" | override lora=${other} as ${other}, from override other={r: x}',
      ],
    ],
    [
      'what has no value together with what has a wrong one, each once',
      ['batch=???', '+seed=${batch}', 'pass=${nowhere}', 'name=linaer'],
      [
        'batch | has no value (???); expected an integer | override batch=??? | set it: batch=…',
        'name | expected one of constant, linear, steps, got "linaer" | override name=linaer | did you mean linear?',
        "pass | Interpolation key 'nowhere' not found: there is no 'nowhere' | override pass=${nowhere} | keys there: name, kinds, warmup, lora, loss, other, batch, pass, seed",
      ],
    ],
  ];
  for (const [what, overrides, problems] of rows) {
    it(`reports ${what}`, async () => {
      const { violations } = await check(overrides);
      expect(violations.map(text)).to.deep.equal(problems);
    });
  }

  it('accepts what is good, and lets a run leave unread what cannot be read', async () => {
    const good = [
      '+folder=gpt',
      '+file=data/rows.jsonl',
      '+device=cpu',
      '+seed=1',
      '+threads=2',
      '+experts=${batch}',
    ];
    expect(await check(good)).to.deep.equal({
      violations: [],
      warnings: [],
      mayStayUnread: ['seed', 'warmup', 'loss.weight', 'batch'],
    });
  });

  it('takes a path for there that an earlier step will make', async () => {
    const { violations } = await check(['+file=made-by-a/data'], {
      isMadeLater: (path) => path.startsWith('made-by-'),
    });
    expect(violations).to.deep.equal([]);
  });

  it('warns of a value without effect in a sweep, where it has one in another job, and of more threads than cores', async () => {
    const { violations, warnings } = await check(['warmup=0.2', '+threads=4'], { isSweep: true });
    expect(violations).to.deep.equal([]);
    expect(warnings.map(({ path, message }) => `${path}: ${message}`)).to.deep.equal([
      'threads: 4 threads on 2 cores only take turns; null takes one per core',
      'warmup: 0.2 has no effect: name is constant',
    ]);
  });

  it('makes one error of one violation, with its place and hint where an error has them', async () => {
    const { violations } = await check(['warmup=0.2']);
    expect(new SchemaError(violations)).to.deep.include({
      message: 'warmup: 0.2 has no effect: name is constant',
      where: 'override warmup=0.2',
      hint: 'it is read when name is not constant; leave it out, or change that',
    });
  });
});
