import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  type Batch,
  cleanText,
  NO_TARGET,
  openInstructions,
  openPacked,
  pack,
  Random,
  splitDocuments,
  writeTokenStore,
} from '../../src/data/index.js';
import { SluiceError } from '../../src/errors.js';
import { Tokenizer, trainTokenizer } from '../../src/text/index.js';
import { referenceTrainBpe } from '../text/reference-bpe.js';

describe('packing', () => {
  it('places every token once, never overfills a row and wastes under 1 % on mixed lengths', () => {
    const random = new Random(3, 'lengths');
    const lengths = Array.from({ length: 2000 }, () => 1 + random.below(random.below(10) === 0 ? 900 : 120));
    const pieces = pack(lengths, 256);
    const perDocument = lengths.map(() => 0);
    const perRow: number[] = [];
    for (const { row, document, start, count } of pieces) {
      expect(start % 256).to.equal(0);
      perDocument[document]! += count;
      perRow[row] = (perRow[row] ?? 0) + count;
    }
    expect(perDocument).to.deep.equal(lengths);
    expect(Math.max(...perRow)).to.equal(256);
    const tokens = lengths.reduce((a, b) => a + b);
    expect(1 - tokens / (perRow.length * 256)).to.be.lessThan(0.01);
  });

  it('puts a rest where it leaves least space', () => {
    const rowOf = Object.fromEntries(pack([7, 5, 3, 5, 10], 10).map((piece) => [piece.document, piece.row]));
    expect(rowOf).to.deep.equal({ 4: 0, 0: 1, 2: 1, 1: 2, 3: 2 });
  });
});

describe('tokenised data', () => {
  let folder: string;
  // Documents of consecutive numbers: a token says which document and place it is from.
  const documents = [10, 3, 4, 1].map((length, d) =>
    Int32Array.from({ length }, (_, i) => 100 * (d + 1) + i),
  );
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-data-'));
    writeTokenStore(folder, documents, {
      tokenizerSha256: 'a'.repeat(64),
      vocabSize: 1000,
      padId: 9,
      length: 8,
    });
  });
  after(() => rmSync(folder, { recursive: true }));

  it('comes back with segments, positions, and the next token of the same document as target', () => {
    const dataset = openPacked(folder, { tokenizerSha256: 'a'.repeat(64) });
    const batch = dataset.inOrder(0, dataset.rows + 1);
    const seen: number[] = [];
    batch.inputIds.forEach((id, t) => {
      if (batch.segmentIds[t] === 0) {
        expect([id, batch.labels[t]]).to.deep.equal([9, NO_TARGET]);
        return;
      }
      seen.push(id);
      const d = Math.floor(id / 100) - 1;
      expect(batch.labels[t]).to.equal(id % 100 === documents[d]!.length - 1 ? NO_TARGET : id + 1);
      expect(batch.positions[t]).to.equal((id % 100) % 8);
    });
    expect(seen.sort((a, b) => a - b)).to.deep.equal(documents.flatMap((ids) => [...ids]));
    expect([batch.tokens, batch.targets, batch.rows.at(-1)]).to.deep.equal([18, 14, -1]);
    expect(dataset.describe([1])).to.equal(`${folder}, row 1 (documents 2, 1, 3)`);
    dataset.close();
  });

  it('gives the same batch for the same seed and step, and every row once per epoch', () => {
    const a = openPacked(folder, { tokenizerSha256: 'a'.repeat(64) });
    const b = openPacked(folder, { tokenizerSha256: 'a'.repeat(64) });
    const later = a.batch(1, 7, 2);
    a.batch(1, 0, 2);
    expect(a.batch(1, 7, 2)).to.deep.equal(later);
    expect(b.batch(1, 7, 2)).to.deep.equal(later);
    const steps = Array.from({ length: a.rows * 2 }, (_, step) => b.batch(5, step, 1).rows[0]!);
    const sorted = (rows: number[]) => [...rows].sort((x, y) => x - y);
    const all = Array.from({ length: a.rows }, (_, i) => i);
    expect(sorted(steps.slice(0, a.rows))).to.deep.equal(all);
    expect(sorted(steps.slice(a.rows))).to.deep.equal(all);
    a.close();
    b.close();
  });

  it('is refused with another tokenizer', () => {
    expect(() => openPacked(folder, { tokenizerSha256: 'b'.repeat(64) }))
      .to.throw(
        SluiceError,
        "the data was tokenised with tokenizer aaaaaaaaaaaa…, the model's is bbbbbbbbbbbb…",
      )
      .with.property('code', 'data.tokenizer_mismatch');
  });

  it('is refused when a file is cut or grown', () => {
    const other = mkdtempSync(join(tmpdir(), 'sluice-data-'));
    writeTokenStore(other, documents, { tokenizerSha256: 'a', vocabSize: 70_000, padId: 9, length: 8 });
    appendFileSync(join(other, 'tokens.bin'), 'x');
    expect(() => openPacked(other, { tokenizerSha256: 'a' })).to.throw(
      SluiceError,
      'tokens.bin has 73 bytes, meta.json says 72',
    );
    rmSync(other, { recursive: true });
  });
});

describe('instruction data', () => {
  let folder: string;
  let tokenizer: Tokenizer;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-data-'));
    const training = { vocabSize: 270, minFrequency: 2, threads: 1, maxLength: 64 };
    await trainTokenizer(referenceTrainBpe, ['one two three four five six seven eight'], folder, training);
    tokenizer = Tokenizer.open(folder);
  });
  after(() => rmSync(folder, { recursive: true }));

  const rowsFile = (rows: [question: string, answer: string | null][]) => {
    const path = join(folder, 'rows.jsonl');
    const lines = rows.map(([question, answer], i) => {
      const messages = [{ role: 'user', content: question }];
      if (answer !== null) messages.push({ role: 'assistant', content: answer });
      return JSON.stringify({ dataset: 'd', id: `r${i}`, messages });
    });
    writeFileSync(path, lines.join('\n'));
    return path;
  };

  it('has the answers, and only they, as targets; packed as unpacked', async () => {
    const dataPath = rowsFile([
      ['one two', 'three'],
      ['four', 'five six'],
      ['seven', 'eight'],
    ]);
    const answers = async (pack: boolean) => {
      const dataset = await openInstructions({ dataPath, maxSequenceLength: 64, pack }, tokenizer);
      const batch = dataset.inOrder(0, dataset.rows);
      const said: string[] = [];
      for (const sample of dataset.samples) said.push(`${sample.id}:${await decodeTargets(batch, sample)}`);
      return { rows: dataset.rows, said, targets: batch.targets, described: dataset.describe([0]) };
    };
    const [packed, single] = [await answers(true), await answers(false)];
    expect(packed.said).to.deep.equal([
      'r0: three<|endoftext|>',
      'r1: five six<|endoftext|>',
      'r2: eight<|endoftext|>',
    ]);
    expect(single.said).to.deep.equal(packed.said);
    expect([packed.rows, single.rows]).to.deep.equal([1, 3]);
    expect(packed.described).to.equal(`${dataPath}:1, ${dataPath}:2, ${dataPath}:3`);
    expect(packed.targets).to.equal(single.targets);
  });

  it('counts rows that lost their answer, drops them in training and keeps them for scoring', async () => {
    const dataPath = rowsFile([
      ['one', 'two'],
      ['x'.repeat(40), 'lost'],
      ['no answer', null],
    ]);
    const config = { dataPath, maxSequenceLength: 32 };
    const training = await openInstructions(config, tokenizer);
    expect(training.counts).to.deep.equal({ read: 3, selected: 3, truncated: 1, withoutTargets: 2 });
    expect(training.samples.map((sample) => sample.id)).to.deep.equal(['r0']);
    const scoring = await openInstructions({ ...config, dropWithoutTargets: false }, tokenizer);
    expect(scoring.samples.map((sample) => sample.id)).to.deep.equal(['r0', 'r1', 'r2']);
  });

  it('refuses data in which no row has a target, naming the first row', async () => {
    const dataPath = rowsFile([
      ['one', null],
      ['two', null],
    ]);
    try {
      await openInstructions({ dataPath, maxSequenceLength: 32 }, tokenizer);
    } catch (error) {
      expect(error).to.be.instanceOf(SluiceError);
      const { code, message, where } = error as SluiceError;
      expect(code).to.equal('data.no_targets');
      expect(where).to.equal(`${dataPath}:1`);
      expect(message).to.equal(
        'none of 2 rows has a token to learn from: no row has an assistant message with content; there are messages of user',
      );
      return;
    }
    throw new Error('expected an error');
  });

  function decodeTargets(batch: Batch, sample: { row: number; segment: number }): Promise<string> {
    const first = sample.row * batch.length;
    const ids: number[] = [];
    for (let t = first; t < first + batch.length; t++) {
      if (batch.segmentIds[t] === sample.segment && batch.labels[t] !== NO_TARGET) ids.push(batch.labels[t]!);
    }
    return tokenizer.decode(ids, { skipSpecialTokens: false });
  }
});

describe('documents', () => {
  it('are cleaned of marks, control characters, typographic quotes and extra space', () => {
    const counts = { controls: 0, marks: 0, quotes: 0 };
    const text =
      ' Thank you. (Applause.) We\u2019re\u0002 here\u2014[laughter]  now.\r\n\r\n\r\n\r\nEnd [p.3] ';
    expect(cleanText(text, counts)).to.equal("Thank you. We're here- now.\n\nEnd");
    expect(counts).to.deep.equal({ controls: 1, marks: 3, quotes: 2 });
  });

  it('are split whole, in the asked shares, spread over their order', () => {
    const split = splitDocuments(
      Array.from({ length: 233 }, (_, i) => i),
      { validation: 0.05, test: 0.1 },
      7,
    );
    expect([split.train.length, split.validation.length, split.test.length]).to.deep.equal([198, 12, 23]);
    const all = [...split.train, ...split.validation, ...split.test];
    expect(new Set(all).size).to.equal(233);
    for (let quarter = 0; quarter < 4; quarter++) {
      const inQuarter = split.test.filter((i) => Math.floor(i / 58.25) === quarter);
      expect(inQuarter.length).to.be.within(4, 8);
    }
  });

  it('too few to fill each part are refused', () => {
    expect(() => splitDocuments([1, 2, 3], { validation: 0.05, test: 0.1 }, 7)).to.throw(
      SluiceError,
      '3 documents cannot give validation=0.05 and test=0.1',
    );
  });
});
