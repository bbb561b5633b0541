import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { openDevice } from '../../src/engine/index.js';
import { SluiceError } from '../../src/errors.js';
import { buildModel, initializeWeights, saveModelFolder } from '../../src/models/index.js';
import { encodePrompts, Tokenizer, type TrainBpe, trainTokenizer } from '../../src/text/index.js';
import { type GenerateConfig, stage } from '../../stages/generate.js';
import { builtEngine } from '../numerics/native-run.js';
import { stageContext } from './stage-context.js';

const corpus = 'the cat sat on the mat and the dog ran to the old red barn by the sea '.repeat(8);

const settings: Omit<GenerateConfig, 'model'> = {
  seed: 7,
  device: 'cpu',
  threads: 2,
  adapter: null,
  dtype: 'fp32',
  quantization: 'none',
  prompt: null,
  prompt_ids: null,
  prompts: null,
  prompts_file: null,
  chat: false,
  batch_size: 2,
  max_new_tokens: 6,
  temperature: 1,
  top_k: 0,
  top_p: 1,
  min_p: 0,
  repetition_penalty: 1,
  stop: [],
  measure_memory: false,
};

interface Result {
  ids: number[];
  text: string;
  results: { prompt: string; ids: number[]; text: string }[];
  bytes_per_token: number;
  gbytes_per_second: number;
  state_bytes: number;
  memory_gbytes_per_second: number;
}

describe('generate', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-generate-'));

  before(async function () {
    const engine = await builtEngine();
    if (!engine) return this.skip(); // the native engine is not built
    await trainTokenizer(engine.addon.trainBpe as TrainBpe, [corpus], folder, {
      vocabSize: 280,
      minFrequency: 2,
      threads: 1,
      maxLength: 64,
    });
    const model = await buildModel({
      model_type: 'llama',
      architectures: ['LlamaForCausalLM'],
      vocab_size: Tokenizer.open(folder).vocabSize,
      hidden_size: 128,
      intermediate_size: 128,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      max_position_embeddings: 64,
      tie_word_embeddings: true,
    });
    const { session } = await openDevice(settings, stageContext({}).context);
    await initializeWeights(model.parameters(), session, { seed: 1, threads: 2 });
    saveModelFolder(model, session, folder);
    session.close();
  });

  after(() => rmSync(folder, { recursive: true }));

  async function run(changes: Partial<GenerateConfig>): Promise<Result> {
    const { context, facts } = stageContext({ ...settings, model: folder, ...changes });
    await stage.run(context);
    return facts.result as Result;
  }

  const texts = ['the cat', 'on the old red barn by the sea and', 'a', 'ran', 'mat'];

  it('gives prompts of a list, or of a file, the tokens that they get in batches of any size', async () => {
    const one = await run({ prompts: texts, batch_size: 1 });
    expect(one.results.map(({ prompt }) => prompt)).to.deep.equal(texts);
    const lines = join(folder, 'prompts.txt');
    writeFileSync(lines, `${texts.join('\n\n')}\n`);
    const rows = join(folder, 'prompts.jsonl');
    writeFileSync(rows, texts.map((prompt) => JSON.stringify({ prompt })).join('\n'));
    expect((await run({ prompts: texts, batch_size: 5 })).results).to.deep.equal(one.results);
    expect((await run({ prompts_file: lines })).results).to.deep.equal(one.results);
    expect((await run({ prompts_file: rows, batch_size: 3 })).results).to.deep.equal(one.results);
    expect((await run({ prompt: texts[0]! })).ids).to.deep.equal(one.results[0]!.ids);
  });

  it("tells a prompt as a user's message, as the chat template has it", async () => {
    const tokenizer = Tokenizer.open(folder);
    const conversations = texts.slice(0, 2).map((content) => [{ role: 'user', content }]);
    const told = await encodePrompts(tokenizer, conversations);
    const chat = await run({ prompts: texts.slice(0, 2), chat: true });
    const first = await run({ prompt_ids: Array.from(told[0]!) });
    expect(chat.results.map(({ prompt }) => prompt)).to.deep.equal(texts.slice(0, 2));
    expect(chat.results[0]!.ids).to.deep.equal(first.ids);
    expect(first.ids).not.to.deep.equal((await run({ prompt: texts[0]! })).ids);
  });

  it('ends a text before a stop text, wherever its tokens begin', async () => {
    const free = await run({ prompt: 'the cat', temperature: 0, max_new_tokens: 12 });
    const stop = free.text.slice(3, 6);
    const cut = await run({ prompt: 'the cat', temperature: 0, max_new_tokens: 12, stop: [stop] });
    expect(cut.text).to.equal(free.text.slice(0, free.text.indexOf(stop)));
    expect(cut.ids.length).to.be.below(free.ids.length);
  });

  it('says how many bytes a token reads, and reads fewer of smaller weights', async () => {
    const plain = await run({ prompt: 'the', measure_memory: true });
    // per layer q, k, v, o and three of the MLP; the head
    const rows = 2 * (128 + 64 + 64 + 128 + 3 * 128);
    const vocabulary = Tokenizer.open(folder).vocabSize;
    expect(plain.bytes_per_token).to.equal(4 * 128 * (rows + vocabulary));
    expect(plain.gbytes_per_second).to.be.above(0);
    expect(plain.memory_gbytes_per_second).to.be.above(0.1);
    const narrow = await run({ prompt: 'the', dtype: 'bf16' });
    expect(narrow.bytes_per_token).to.equal(2 * 128 * (rows + vocabulary));
    const tiny = await run({ prompt: 'the', dtype: 'bf16', quantization: 'nf4' });
    expect(tiny.bytes_per_token).to.equal((64 + 8) * rows + 2 * 128 * vocabulary);
    expect(tiny.state_bytes).to.be.below(narrow.state_bytes);
  });

  const refused: [name: string, changes: Partial<GenerateConfig>, message: string][] = [
    ['no prompt at all', {}, 'give one of prompt, prompt_ids, prompts and prompts_file'],
    ['two kinds of prompts', { prompt: 'a', prompts: ['b'] }, 'give one of prompt, prompt_ids'],
    ['ids that the tokenizer has not', { prompt_ids: [1, 9999] }, 'prompt_ids has 9999'],
    ['a prompt too long for the model', { prompt: corpus }, "more than the model's 64"],
    ['a file without a prompt', { prompts_file: 'empty.txt' }, 'has no prompt'],
    ['a row without a prompt', { prompts_file: 'bad.jsonl' }, 'bad.jsonl:2: expected an object'],
  ];
  for (const [name, changes, message] of refused) {
    it(`refuses ${name}`, async () => {
      writeFileSync(join(folder, 'empty.txt'), '\n \n');
      writeFileSync(join(folder, 'bad.jsonl'), '{"prompt": "a"}\n{"text": "b"}\n');
      const file = changes.prompts_file;
      const given = file ? { prompts_file: join(folder, file) } : changes;
      const error = await run(given).catch((thrown: unknown) => thrown);
      expect(error).to.be.instanceOf(SluiceError);
      expect((error as Error).message).to.include(message);
    });
  }
});
