import { readFileSync } from 'node:fs';
import { type Engine, openDevice } from '../src/engine/index.js';
import { SluiceError } from '../src/errors.js';
import {
  cutAtStop,
  type Generation,
  Generator,
  loadReadyModel,
  stopIdsOf,
  textTail,
} from '../src/infer/index.js';
import { type StorageKeys, storageOf } from '../src/models/index.js';
import type { StageContext, StageDefinition } from '../src/runner/stage.js';
import { encodePrompts, Tokenizer } from '../src/text/index.js';

/** configs/generate.schema.json describes each key. */
export interface GenerateConfig {
  seed: number;
  device: string;
  threads: number | null;
  model: string;
  adapter: string | null;
  dtype: 'fp32' | 'bf16';
  quantization: StorageKeys['quantization'];
  prompt: string | null;
  prompt_ids: number[] | null;
  prompts: string[] | null;
  prompts_file: string | null;
  chat: boolean;
  batch_size: number;
  max_new_tokens: number;
  temperature: number;
  top_k: number;
  top_p: number;
  min_p: number;
  repetition_penalty: number;
  stop: string[];
  measure_memory: boolean;
}

interface Prompt {
  ids: number[];
  /** null where it was given as ids. */
  text: string | null;
}

interface Continuation {
  ids: number[];
  text: string;
}

export const stage: StageDefinition<GenerateConfig> = {
  name: 'generate',

  async run(context) {
    const { config } = context;
    const folder = context.resolvePath(config.model);
    const adapterFolder = config.adapter === null ? null : context.resolvePath(config.adapter);
    context.addInput('model', folder);
    if (adapterFolder !== null) context.addInput('adapter', adapterFolder);

    const tokenizer = Tokenizer.open(folder);
    const prompts = await readPrompts(context, tokenizer);
    const { engine, session, threads } = await openDevice(config, context);
    const { model, adapter } = await loadReadyModel(session, folder, adapterFolder, storageOf(config));
    const generator = new Generator(model, session, { threads, adapter });
    const isChat = config.prompt_ids === null && config.chat;
    const stopIds = stopIdsOf(model, folder, isChat ? tokenizer.eosId : null);
    const results: (Continuation & { prompt: string | null })[] = [];
    const generations: Generation[] = [];
    const watched = tenTimesASecond((ids: readonly number[]) => textTail(tokenizer, ids));
    for (let first = 0; first < prompts.length; first += config.batch_size) {
      const batch = prompts.slice(first, first + config.batch_size);
      const given = batch.map(({ ids }) => ids);
      const generation = await generator.generate(given, {
        maxNewTokens: config.max_new_tokens,
        temperature: config.temperature,
        topK: config.top_k,
        topP: config.top_p,
        minP: config.min_p,
        repetitionPenalty: config.repetition_penalty,
        seed: config.seed,
        firstRow: first,
        stopIds,
        stopWhen: async (newIds) =>
          config.stop.length > 0 && cutAtStop(await tokenizer.decode(newIds), config.stop) !== null,
        signal: context.signal,
        onStep: async (step, _, ids) =>
          context.emit({
            type: 'progress',
            phase: prompts.length > batch.length ? `prompt ${first + 1} of ${prompts.length}` : 'generate',
            step: step + 1,
            totalSteps: config.max_new_tokens,
            text: await watched(ids[0]!),
          }),
      });
      generations.push(generation);
      for (const [row, ids] of generation.ids.entries()) {
        const { text: prompt, ids: promptIds } = batch[row]!;
        const text = await newText(tokenizer, promptIds, ids);
        results.push({ prompt, ids, text: cutAtStop(text, config.stop) ?? text });
      }
    }
    const stateBytes = session.bytes().states;
    session.close();
    const isOne = config.prompts === null && config.prompts_file === null;
    context.addFact('result', {
      ...(isOne ? { ids: results[0]!.ids, text: results[0]!.text } : { results }),
      ...speedOf(generations, Math.min(config.batch_size, prompts.length)),
      state_bytes: stateBytes,
      ...(config.measure_memory && { memory_gbytes_per_second: await memorySpeed(engine, threads) }),
    });
  },
};

/** `make`, or nothing when it was called less than a tenth of a second ago: fast models must not wait for it. */
function tenTimesASecond<T, R>(make: (of: T) => Promise<R>): (of: T) => Promise<R> | undefined {
  let last = Number.NEGATIVE_INFINITY;
  return (of) => {
    const now = performance.now();
    if (now - last < 100) return undefined;
    last = now;
    return make(of);
  };
}

/** Tokens per second, and how fast decoding read the weights: the memory's speed is its limit. */
function speedOf(generations: readonly Generation[], rows: number) {
  const sum = (of: (generation: Generation) => number) => generations.reduce((total, g) => total + of(g), 0);
  const tokens = sum((g) => g.ids.reduce((count, row) => count + row.length, 0));
  const decodeSeconds = sum((g) => g.decodeSeconds);
  return {
    tokens_per_second: tokens / sum((g) => g.seconds),
    prefill_seconds: sum((g) => g.prefillSeconds),
    decode_seconds: decodeSeconds,
    bytes_per_token: (generations[0]?.stepBytes ?? 0) / rows,
    gbytes_per_second:
      decodeSeconds > 0 ? sum((g) => g.decodeSteps * g.stepBytes) / decodeSeconds / 1e9 : null,
  };
}

const memorySpeed = async (engine: Engine, threads: number): Promise<number> =>
  (await engine.measureRead({ threads, seconds: 0.5 })) / 1e9;

/** What to continue. Text is encoded as in training: with the tokenizer's own begin token, or as a user's message. */
async function readPrompts(context: StageContext<GenerateConfig>, tokenizer: Tokenizer): Promise<Prompt[]> {
  const { prompt, prompt_ids: promptIds, prompts, prompts_file: file } = context.config;
  const given = [prompt, promptIds, prompts, file].filter((value) => value !== null);
  if (given.length !== 1) {
    throw new SluiceError('config.prompt', 'give one of prompt, prompt_ids, prompts and prompts_file', {
      where: 'configs/generate.yaml',
      hint: './run generate model=DIR prompt="Once upon a time"',
    });
  }
  if (promptIds !== null) return [{ ids: checkIds(promptIds, tokenizer), text: null }];
  const texts = file !== null ? readPromptsFile(context, file) : (prompts ?? [prompt!]);
  const encoded = context.config.chat
    ? await encodePrompts(
        tokenizer,
        texts.map((content) => [{ role: 'user', content }]),
      )
    : await tokenizer.encodeBatch([...texts]); // the list itself may be a view of the config
  return texts.map((text, index) => ({ ids: Array.from(encoded[index]!), text }));
}

/** A prompt a line; of a .jsonl file its `prompt`. Empty lines are left out. */
function readPromptsFile(context: StageContext<GenerateConfig>, file: string): string[] {
  const path = context.resolvePath(file);
  context.addInput('prompts', path);
  const lines = readFileSync(path, 'utf8').split(/\r?\n/);
  const prompts = lines.flatMap((line, index) => {
    if (line.trim() === '') return [];
    return path.endsWith('.jsonl') ? promptOf(line, `${path}:${index + 1}`) : line;
  });
  if (prompts.length > 0) return prompts;
  throw new SluiceError('config.prompt', `${path} has no prompt`, { where: path });
}

function promptOf(line: string, where: string): string {
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch (cause) {
    throw new SluiceError('config.prompt', `${where}: not JSON`, { where, cause });
  }
  const prompt = (row as { prompt?: unknown } | null)?.prompt;
  if (typeof prompt === 'string') return prompt;
  throw new SluiceError('config.prompt', `${where}: expected an object with a text "prompt"`, { where });
}

function checkIds(ids: number[], tokenizer: Tokenizer): number[] {
  const outside = ids.find((id) => id >= tokenizer.vocabSize);
  if (outside === undefined) return ids;
  throw new SluiceError(
    'config.prompt',
    `prompt_ids has ${outside}; ids go up to ${tokenizer.vocabSize - 1}`,
  );
}

/** Decoded with the prompt before it, for a tokenizer may drop a space at the beginning of a text. */
async function newText(
  tokenizer: Tokenizer,
  promptIds: readonly number[],
  ids: readonly number[],
): Promise<string> {
  const before = await tokenizer.decode(promptIds);
  const whole = await tokenizer.decode([...promptIds, ...ids]);
  return whole.startsWith(before) ? whole.slice(before.length) : await tokenizer.decode(ids);
}
