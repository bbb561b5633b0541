import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { readInstructions, readTexts, selectRows } from '../../src/data/index.js';
import { SluiceError } from '../../src/errors.js';

const GOOD = '{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}';

describe('readers', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-data-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  const write = (name: string, content: string | Uint8Array) => {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };

  it('read rows of a folder by file name, whatever the line ends and the byte order mark', () => {
    write('many/b.jsonl', `\uFEFF{"dataset":"two","id":7,${GOOD.slice(1)}\r\n\r\n${GOOD}`);
    write('many/a/x.jsonl', `${GOOD}\n`);
    write('many/notes.md', 'not data');
    const rows = [...readInstructions(join(folder, 'many'))];
    expect(rows.map(({ dataset, id }) => [dataset, id])).to.deep.equal([
      ['x', join(folder, 'many/a/x.jsonl:1')],
      ['two', '7'],
      ['b', join(folder, 'many/b.jsonl:3')],
    ]);
  });

  it('read lines that span read blocks', () => {
    const texts = ['x'.repeat(3_000_000), 'é'.repeat(700_000), 'short'];
    const path = write('long.jsonl', texts.map((text) => JSON.stringify({ text })).join('\n'));
    expect([...readTexts(path)].map((row) => row.text)).to.deep.equal(texts);
  });

  it('map prompt, input and response columns onto messages', () => {
    const path = write(
      'alpaca.jsonl',
      '{"instruction":"Add","input":"1 2","output":"3"}\n{"instruction":"Hi","output":"Ho"}\n',
    );
    const mapping = { prompt: 'instruction', input: 'input', response: 'output' };
    expect([...readInstructions(path, mapping)].map((row) => row.messages)).to.deep.equal([
      [
        { role: 'user', content: 'Add\n\n1 2' },
        { role: 'assistant', content: '3' },
      ],
      [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: 'Ho' },
      ],
    ]);
  });

  const bad: [
    name: string,
    file: string,
    content: string | Uint8Array,
    code: string,
    line: string,
    message: string,
  ][] = [
    [
      'a line that is not UTF-8',
      'latin.jsonl',
      Buffer.concat([Buffer.from(`${GOOD}\n`), Buffer.from([0x22, 0xe9, 0x22, 10])]),
      'data.not_utf8',
      ':2',
      'the line is not valid UTF-8',
    ],
    [
      'a line that is not JSON',
      'broken.jsonl',
      `${GOOD}\n${GOOD}\n{"messages":`,
      'data.bad_json',
      ':3',
      'the line is not valid JSON: Unexpected end of JSON input',
    ],
    [
      'a line that is no object',
      'list.jsonl',
      '[1]\n',
      'data.bad_row',
      ':1',
      'expected a JSON object, got array',
    ],
    [
      'a row without messages',
      'text.jsonl',
      '{"text":"x"}\n',
      'data.row_without_messages',
      ':1',
      'column "messages" must be a list of messages, got nothing',
    ],
    [
      'a row with an empty list of messages',
      'none.jsonl',
      '{"messages":[]}\n',
      'data.row_without_messages',
      ':1',
      'column "messages" must be a list of messages, got an empty array',
    ],
    [
      'a message without content',
      'half.jsonl',
      '{"messages":[{"role":"user"}]}\n',
      'data.row_without_messages',
      ':1',
      'messages[0] must be {"role": text, "content": text}, got {"role":"user"}',
    ],
    ['an empty file', 'empty.jsonl', '\n\n', 'data.empty', '', '/empty.jsonl has no rows'],
    ['a file of another kind', 'data.xml', '<x/>', 'data.unknown_format', '', '/data.xml'],
  ];
  for (const [name, file, content, code, line, message] of bad) {
    it(`refuse ${name}, naming its place`, () => {
      const path = write(file, content);
      const error = thrown(() => [...readInstructions(path)]);
      expect(error.code).to.equal(code);
      expect(error.where).to.equal(path + line);
      expect(error.message).to.include(message);
      expect(error.exitCode).to.equal(1);
    });
  }

  it('say which mapping reads a row of flat columns', () => {
    const path = write('flat.jsonl', '{"instruction": "Add", "input": "1 2", "output": "3"}\n');
    expect(thrown(() => [...readInstructions(path)]).hint).to.equal(
      "flat columns become messages by a mapping: 'dataset.mapping={prompt: instruction, input: input, response: output}'",
    );
  });

  it('refuse a path that is not there', () => {
    const error = thrown(() => [...readInstructions(join(folder, 'nothing.jsonl'))]);
    expect(error.code).to.equal('data.missing_file');
  });

  describe('row selection', () => {
    const rows = Array.from({ length: 30 }, (_, i) => ({
      dataset: i % 3 === 0 ? 'a' : 'b',
      id: String(i),
      messages: [],
      where: `f:${i}`,
    }));

    it('takes a share of each dataset, at least one row, in file order', () => {
      const ids = (ratio: number, shuffle: boolean) =>
        selectRows(rows, { subsetRatio: ratio, shuffle, seed: 1 }, 'f').map((row) => Number(row.id));
      expect(ids(0.2, false)).to.deep.equal([0, 1, 2, 3, 4, 5]);
      expect(ids(0.01, false)).to.deep.equal([0, 1]);
      expect(ids(0.2, true)).to.have.length(6);
      expect(ids(0.2, true)).to.deep.equal([...ids(0.2, true)].sort((x, y) => x - y));
      expect(ids(0.2, true)).to.not.deep.equal(ids(0.2, false));
    });

    it('names the datasets there are when one is unknown', () => {
      const error = thrown(() => selectRows(rows, { datasetNames: ['c'] }, 'rows.jsonl'));
      expect([error.code, error.message, error.hint]).to.deep.equal([
        'data.unknown_dataset',
        'no row has dataset "c"',
        'datasets in it: a, b',
      ]);
    });

    it('refuses a share of nothing or of more than all as a config error', () => {
      for (const subsetRatio of [0, -1, 1.5, Number.NaN]) {
        expect(thrown(() => selectRows(rows, { subsetRatio }, 'f')).exitCode).to.equal(2);
      }
    });
  });
});

function thrown(act: () => unknown): SluiceError {
  try {
    act();
  } catch (error) {
    if (error instanceof SluiceError) return error;
    throw error;
  }
  throw new Error('expected an error');
}
