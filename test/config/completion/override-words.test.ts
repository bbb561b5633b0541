import { expect } from 'chai';
import { completeOverride } from '../../../src/config/completion/override-words.js';
import { compose, loadSchema } from '../../../src/config/index.js';
import { withFiles } from '../fixture.js';

const FILES = {
  'config.yaml': `defaults:
- model: tiny
- optim@training.optim: sgd
- _self_
seed: 42
loud: false
data_path: \${oc.env:HOME}
text: two words
adapters: {}
kinds: [a, b]
training:
  rate: 0.1
  lora:
    r: 8
`,
  'model/tiny.yaml': 'size: 1\n',
  'model/small.yaml': 'size: 2\n',
  'optim/sgd.yaml': 'momentum: 0\n',
  'data/text/books.yaml': 'pages: 1\n',
  'config.schema.json': JSON.stringify({
    type: 'object',
    properties: {
      seed: { type: 'integer' },
      loud: { type: 'boolean' },
      data_path: { $ref: 'common.schema.json#/$defs/path' },
      source: { type: 'string', mustExist: 'file' },
      adapters: { type: 'object', additionalProperties: { type: 'string' } },
      kinds: { type: 'array', items: { enum: ['a', 'b', 'c'] } },
      model: { type: 'object', properties: { size: { type: 'integer' }, bias: { type: 'boolean' } } },
      training: {
        type: 'object',
        properties: {
          rate: { type: 'number' },
          loss: { anyOf: [{ enum: ['mse', 'sigmoid'] }, { type: 'null' }] },
          lora: { type: 'object', properties: { r: { type: 'integer' }, alpha: { type: 'number' } } },
          extra: { type: 'object', properties: { depth: { type: 'integer' } } },
        },
      },
    },
  }),
  'common.schema.json': JSON.stringify({ $defs: { path: { type: 'string' } } }),
};

function complete(word: string, overrides: string[] = []): string[] {
  return withFiles(FILES, (folder) => {
    const composed = compose({ configDirs: [folder], configName: 'config', cwd: folder, overrides });
    const schema = loadSchema(`${folder}/config.schema.json`);
    return completeOverride(word, { composed, schema, files: (begin) => [`${begin}.jsonl`] });
  });
}

describe('completion of an override', () => {
  const rows: [what: string, word: string, candidates: string[], overrides?: string[]][] = [
    ['groups and keys', 'm', ['model.', 'model=']],
    ['a group that sits in another package', 'opt', ['optim@training.optim=']],
    ['the groups of Hydra, a level at a time', 'hydra', ['hydra.', 'hydra/']],
    ['a group of Hydra', 'hydra/swee', ['hydra/sweeper=']],
    ['options of a group', 'model=', ['model=small', 'model=tiny']],
    ['options that begin so', 'model=s', ['model=small']],
    ['options of a group in a package', 'optim@training.optim=', ['optim@training.optim=sgd']],
    ['the next option of a sweep', 'model=small,', ['model=small,tiny']],
    ['the next option of a choice', 'model=choice(small,', ['model=choice(small,tiny']],
    ['a level of keys', 'training.', ['training.lora.', 'training.optim.', 'training.rate=']],
    ['a key that begins so', 'training.lo', ['training.lora.']],
    ['keys of the option that was chosen before', 'model.', ['model.size='], ['model=small']],
    ['no key that is not there', 'training.alp', []],
    ['a list, whole or by item', 'kin', ['kinds.', 'kinds=']],
    ['items of a list', 'kinds.', ['kinds.0=', 'kinds.1=']],
    ['the present value', 'seed=', ['seed=42']],
    ['the present value of a list', 'kinds=', ['kinds=[a,b]']],
    ['items that the schema lists, none twice', 'kinds=[c,', ['kinds=[c,a', 'kinds=[c,b']],
    ['true and false', 'loud=', ['loud=false', 'loud=true']],
    [
      'what the schema lists',
      '+training.loss=',
      ['+training.loss=mse', '+training.loss=null', '+training.loss=sigmoid'],
    ],
    ['files where the schema wants one', 'data_path=da', ['data_path=da.jsonl']],
    ['files where a keyword of the schema says so', '+source=x', ['+source=x.jsonl']],
    ['files after a slash or dot, whatever the key', 'text=./a', ['text=./a.jsonl']],
    ['no present value that would need quotes', 'text=', []],
    ['+ for groups that are not in the defaults list', '+d', ['+data/']],
    ['+ for a group below another', '+data/', ['+data/text=']],
    ['+ for the options of such a group', '+data/text=', ['+data/text=books']],
    ['+ for keys that only the schema has', '+training.l', ['+training.lora.', '+training.loss=']],
    ['+ for mappings that only the schema has', '+training.extra.', ['+training.extra.depth=']],
    ['+ down to where something can be added', '+m', ['+model.']],
    ['+ into a mapping of any keys', '+ada', ['+adapters.']],
    ['+ for the package of a group', '+data/text@tr', ['+data/text@training.', '+data/text@training=']],
    ['++ for keys that are there or can be', '++training.l', ['++training.lora.', '++training.loss=']],
    ['++ for no group', '++model', ['++model.']],
    ['~ for a key', '~se', ['~seed']],
    ['~ for a mapping or what is in it', '~training.l', ['~training.lora', '~training.lora.']],
    ['~ for a group with its option', '~model=', ['~model=tiny']],
    ['no key named like a part of every object', 'constructor', []],
  ];
  for (const [what, word, candidates, overrides] of rows) {
    it(`offers ${what}: \`${word}\``, () => {
      expect(complete(word, overrides)).to.deep.equal(candidates);
    });
  }

  it('offers something for an empty word, and every candidate begins with what is typed', () => {
    expect(complete('')).to.include.members(['model=', 'seed=', 'training.', 'hydra/', 'hydra.']);
    for (const word of ['+', '++', '~']) {
      const found = complete(word);
      expect(found).to.not.be.empty;
      expect(found.filter((each) => !each.startsWith(word))).to.deep.equal([]);
    }
  });
});
