import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { SluiceError } from '../../src/errors.js';
import { encodeChats, encodePrompts, Tokenizer, trainTokenizer } from '../../src/text/index.js';
import { referenceTrainBpe } from './reference-bpe.js';

const TEXT = "The cat sat on the mat. The cat's hat isn't the rat's hat; 42 cats, 7 hats.\nDéjà vu, 日本 😀!";

describe('a trained tokenizer', () => {
  let folder: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-text-'));
    const training = { vocabSize: 300, minFrequency: 2, threads: 1, maxLength: 64 };
    await trainTokenizer(referenceTrainBpe, [TEXT, TEXT.toUpperCase()], folder, training);
  });
  after(() => rmSync(folder, { recursive: true }));

  it('gives back every byte of a text, seen in training or not', async () => {
    const tokenizer = Tokenizer.open(folder);
    for (const text of [TEXT, 'Привет, мир', ' \t\n  x', '']) {
      expect(await tokenizer.decode(await tokenizer.encode(text))).to.equal(text);
    }
  });

  it('knows its special tokens and never splits them', async () => {
    const tokenizer = Tokenizer.open(folder);
    expect(tokenizer.bosId).to.equal(0);
    expect(tokenizer.padId).to.equal(1);
    expect([...(await tokenizer.encode('<|endoftext|><|pad|><|assistant|>'))]).to.deep.equal([0, 1, 4]);
    expect(tokenizer.vocabSize).to.be.greaterThan(261).and.at.most(300);
  });

  it('reads merges written as strings as it reads merges written as pairs', async () => {
    const other = mkdtempSync(join(tmpdir(), 'sluice-text-'));
    const json = JSON.parse(readFileSync(join(folder, 'tokenizer.json'), 'utf8'));
    json.model.merges = json.model.merges.map((pair: string[]) => pair.join(' '));
    writeFileSync(join(other, 'tokenizer.json'), JSON.stringify(json));
    const [a, b] = [Tokenizer.open(folder), Tokenizer.open(other)];
    expect([...(await a.encode(TEXT))]).to.deep.equal([...(await b.encode(TEXT))]);
    expect(a.sha256).to.not.equal(b.sha256);
    rmSync(other, { recursive: true });
  });

  it('refuses a vocabulary without room for the bytes, and an empty text', async () => {
    const training = { vocabSize: 260, minFrequency: 2, threads: 1, maxLength: 64 };
    const error = await rejection(trainTokenizer(referenceTrainBpe, [TEXT], folder, training));
    expect(error.code).to.equal('config.vocab_size');
    expect(error.message).to.equal('tokenizer.vocab_size=260 is too small');
    const empty = await rejection(
      trainTokenizer(referenceTrainBpe, ['', ''], folder, { ...training, vocabSize: 300 }),
    );
    expect(empty.code).to.equal('data.empty');
  });

  it('names the folder that holds no tokenizer', () => {
    expect(() => Tokenizer.open(tmpdir())).to.throw(SluiceError, `no tokenizer.json in ${tmpdir()}`);
  });

  it('marks exactly the answer and its end token, and starts generation where training starts the answer', async () => {
    const tokenizer = Tokenizer.open(folder);
    const question = { role: 'user', content: 'Which cat? 😀' };
    const answer = { role: 'assistant', content: 'the mat 😀' };
    const [chat] = await encodeChats(tokenizer, [[question, answer, question, answer]]);
    const said = [...chat!.ids].filter((_, t) => chat!.answer[t] === 1);
    const once = [...(await tokenizer.encode(' the mat 😀<|endoftext|>'))];
    expect(said).to.deep.equal([...once, ...once]);
    expect(chat!.ids.filter((id) => id === tokenizer.bosId)).to.have.length(3); // one BOS, two ends
    const [prompt] = await encodePrompts(tokenizer, [[question]]);
    expect([...chat!.ids.slice(0, prompt!.length)]).to.deep.equal([...prompt!]);
    expect(chat!.answer.indexOf(1)).to.equal(prompt!.length);
  });
});

async function rejection(promise: Promise<unknown>): Promise<SluiceError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof SluiceError) return error;
    throw error;
  }
  throw new Error('expected a rejection');
}
