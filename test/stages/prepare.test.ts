import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Ajv from 'ajv/dist/2020.js';
import { expect } from 'chai';
import { parse } from 'yaml';
import { openInstructions, openPacked, sotuAddresses, writeJsonLines } from '../../src/data/index.js';
import { SluiceError } from '../../src/errors.js';
import type { StageContext } from '../../src/runner/stage.js';
import type { TelemetryEvent } from '../../src/telemetry/event.js';
import { Tokenizer, type TrainBpe } from '../../src/text/index.js';
import { type PrepareConfig, run } from '../../stages/prepare.js';
import { registriesWith } from '../../stages/registries.js';

/** Bytes only: the stage does not care which merges a tokenizer has, and the trainers have tests of their own. */
const trainNothing: TrainBpe = async (options) => {
  let next = 0x100;
  const bytes = Array.from({ length: 256 }, (_, b) => {
    const printable = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
    return String.fromCodePoint(printable ? b : next++);
  });
  return { vocab: [...options.specialTokens, ...bytes.sort()], merges: [] };
};

describe('prepare', function () {
  this.timeout(60_000);
  const folders: string[] = [];
  let addresses: string;
  before(() => {
    // The first 6,000 characters of each address: enough to ask about, quick to tokenise byte by byte.
    addresses = join(mkdtempSync(join(tmpdir(), 'sluice-prepare-')), 'addresses.jsonl');
    folders.push(join(addresses, '..'));
    writeJsonLines(
      addresses,
      sotuAddresses().map((address) => ({ ...address, text: address.text.slice(0, 6000) })),
    );
  });
  after(() => {
    for (const folder of folders) rmSync(folder, { recursive: true });
  });

  const shipped = parse(readFileSync('configs/prepare.yaml', 'utf8')) as PrepareConfig & {
    defaults?: unknown;
  };
  delete shipped.defaults;
  const config: PrepareConfig = { ...shipped, seed: 7, threads: 2, sequence_length: 512 };
  const pool = { ...shipped.pool!, rows: 400 };
  config.pool = pool;
  config.questions = { rows: 100 };

  const runIn = async (changes: Partial<PrepareConfig>, signal = new AbortController().signal) => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-prepare-'));
    folders.push(folder);
    const outputs: Record<string, string> = {};
    const events: TelemetryEvent[] = [];
    const given: PrepareConfig = {
      ...config,
      source: { name: 'files', path: addresses, mapping: {} },
      ...changes,
    };
    const context: StageContext<PrepareConfig> = {
      config: given,
      plainConfig: given,
      takeCheckpointRequest: () => false,
      isWatched: () => true,
      runDirectory: folder,
      resolvePath: (path) => path,
      signal,
      registries: registriesWith({}),
      emit: (event) => events.push(event),
      log: () => {},
      addInput: () => {},
      addOutput: (name, path) => {
        outputs[name] = path;
      },
      addFact: () => {},
    };
    await run(context, trainNothing);
    return { folder, outputs, events };
  };
  const lines = (path: string) =>
    readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));

  it('has a shipped config that its schema accepts, and a schema that refuses what it does not know', () => {
    const schema = JSON.parse(readFileSync('configs/prepare.schema.json', 'utf8'));
    for (const key of ['device', 'threads', 'output_dir', 'seed']) schema.properties[key] = {};
    schema.required = schema.required.filter((key: string) => key in shipped);
    const validate = new Ajv.default({ strict: false }).compile(schema);
    expect(validate(shipped), JSON.stringify(validate.errors)).to.equal(true);
    expect(validate({ ...shipped, pool: { ...shipped.pool, rowz: 1 } })).to.equal(false);
    expect(validate({ ...shipped, pool: { ...shipped.pool, dirty_share: 1 } })).to.equal(false);
  });

  it('makes outputs that training, selection and evaluation can open, with the truth about each pool row', async () => {
    const { outputs } = await runIn({});
    expect(Object.keys(outputs).sort()).to.deep.equal([
      'conversations',
      'data',
      'meta',
      'pool',
      'questions',
      'test',
      'tokenizer',
      'train',
      'truth',
      'validation',
    ]);
    const tokenizer = Tokenizer.open(outputs.tokenizer!);
    const train = openPacked(join(outputs.data!, 'train'), { tokenizerSha256: tokenizer.sha256 });
    expect(train.batch(1, 0, 4).tokens).to.be.within(0.8 * 4 * 512, 4 * 512);
    train.close();

    const pool = await openInstructions({ dataPath: outputs.pool!, maxSequenceLength: 512 }, tokenizer);
    expect(pool.counts).to.deep.equal({ read: 400, selected: 400, truncated: 0, withoutTargets: 0 });
    const told = await openInstructions(
      { dataPath: outputs.conversations!, maxSequenceLength: 512 },
      tokenizer,
    );
    expect(told.counts).to.include({ truncated: 0, withoutTargets: 0 });

    const truth = lines(outputs.truth!);
    expect(truth.map((row) => row.id)).to.deep.equal(lines(outputs.pool!).map((row) => row.id));
    expect(truth.filter((row) => row.quality === 0)).to.have.length(180);
    const poolById = new Map(pool.samples.map((sample) => [sample.id, sample]));
    for (const row of truth.filter((each) => each.quality === 0)) {
      const [copy, original] = [poolById.get(row.id)!, poolById.get(row.copy_of)!];
      expect(copy.dataset).to.equal(original.dataset);
      expect(copy.messages, row.defect).to.not.deep.equal(original.messages);
    }
  });

  it('asks questions with balanced answers, about test documents only', async () => {
    const { outputs } = await runIn({});
    const testIds = new Set(lines(outputs.test!).map((document) => document.id));
    const perAnswer = new Map<string, number>();
    for (const { messages, answer, choices, document, dataset } of lines(outputs.questions!)) {
      expect(messages).to.have.length(1);
      expect(choices).to.include(answer);
      expect(testIds.has(document)).to.equal(true);
      perAnswer.set(`${dataset} ${answer}`, (perAnswer.get(`${dataset} ${answer}`) ?? 0) + 1);
    }
    expect(Math.max(...perAnswer.values())).to.be.at.most(7); // 20 per kind over 3 centuries
    const meta = JSON.parse(readFileSync(outputs.meta!, 'utf8'));
    expect(meta.questions.majority_baseline).to.be.within(0.1, 0.3);
  });

  it('gives the same bytes for the same seed, and other splits for another', async () => {
    const digest = (folder: string) => {
      const hash = createHash('sha256');
      for (const name of (readdirSync(folder, { recursive: true }) as string[]).sort()) {
        if (statSync(join(folder, name)).isFile()) hash.update(name).update(readFileSync(join(folder, name)));
      }
      return hash.digest('hex');
    };
    const [a, b, c] = [await runIn({}), await runIn({}), await runIn({ seed: 8 })];
    expect(digest(a.folder)).to.equal(digest(b.folder));
    expect(digest(a.folder)).to.not.equal(digest(c.folder));
  });

  it('reads files of one text a row, and asks what needs no facts about them', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'sluice-prepare-')), 'texts.jsonl');
    folders.push(join(path, '..'));
    const text =
      'The people of the land said that the river is to be free and open to all of our friends in the valley. ';
    const body = Array.from({ length: 40 }, (_, i) => JSON.stringify({ body: text.repeat(5 + i) })).join(
      '\n',
    );
    writeFileSync(path, body);
    const source = { name: 'files' as const, path, mapping: { text: 'body' } };
    const { outputs } = await runIn({ source, pool: { ...pool, kinds: ['next_word'] } });
    expect(lines(outputs.pool!)).to.have.length.greaterThan(50);
    const error = await rejection(runIn({ source }));
    expect([error.code, error.message]).to.deep.equal([
      'data.kind_needs_facts',
      'questions of kind "century" have fewer than two answers here',
    ]);
  });

  describe("of a corpus of one's own", () => {
    const text = 'for (const word of words) if (word.length > 3) count(word)\n'.repeat(9);
    const ownSource = () => {
      const path = join(mkdtempSync(join(tmpdir(), 'sluice-prepare-')), 'texts.jsonl');
      folders.push(join(path, '..'));
      writeJsonLines(
        path,
        Array.from({ length: 40 }, (_, i) => ({ text: `${i} ${text}` })),
      );
      return { name: 'files' as const, path, mapping: {} };
    };

    it('makes neither a pool nor questions without `pool`', async () => {
      const { outputs, events } = await runIn({ source: ownSource(), pool: null });
      const made = ['data', 'meta', 'test', 'tokenizer', 'train', 'validation'];
      expect(Object.keys(outputs).sort()).to.deep.equal(made);
      expect(JSON.parse(readFileSync(outputs.meta!, 'utf8'))).not.to.have.any.keys('pool', 'questions');
      const tables = events.flatMap((event) => (event.type === 'table' ? [event.title] : []));
      expect(tables).to.deep.equal(['Text']);
    });

    it('takes the tokenizer of a model as it is', async () => {
      const source = ownSource();
      const { outputs: first } = await runIn({ source, pool: null });
      const path = first.tokenizer!;
      const { outputs } = await runIn({ source, pool: null, tokenizer: { ...config.tokenizer, path } });
      const { sha256 } = Tokenizer.open(path);
      expect(Tokenizer.open(outputs.tokenizer!).sha256).to.equal(sha256);
      openPacked(join(outputs.data!, 'train'), { tokenizerSha256: sha256 }).close();
    });

    it('refuses to tell conversations by a tokenizer without a chat template', async () => {
      const source = ownSource();
      const { outputs } = await runIn({ source, pool: null });
      for (const name of ['tokenizer_config.json', 'chat_template.jinja'])
        rmSync(join(outputs.tokenizer!, name), { force: true });
      const tokenizer = { ...config.tokenizer, path: outputs.tokenizer! };
      const error = await rejection(runIn({ source, pool: null, tokenizer }));
      expect(error.hint).to.match(/^conversations\.share=0/);
      const conversations = { ...config.conversations, share: 0 };
      expect(await runIn({ source, pool: null, tokenizer, conversations })).to.have.property('outputs');
    });
  });

  it('stops on an empty source, a missing one and an abort', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'sluice-prepare-')), 'empty.jsonl');
    folders.push(join(path, '..'));
    writeFileSync(path, '');
    const files = (value: string | null) => ({
      source: { name: 'files' as const, path: value, mapping: {} },
    });
    expect((await rejection(runIn(files(path)))).code).to.equal('data.empty');
    expect((await rejection(runIn(files(`${path}.gone`)))).code).to.equal('data.missing_file');
    expect((await rejection(runIn(files(null)))).exitCode).to.equal(2);
    expect((await rejection(runIn({}, AbortSignal.abort()))).exitCode).to.equal(130);
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
