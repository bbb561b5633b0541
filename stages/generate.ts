import { openDevice } from '../src/engine/index.js';
import { SluiceError } from '../src/errors.js';
import { cutAtStop, Generator, loadReadyModel, stopIdsOf } from '../src/infer/index.js';
import type { StageContext, StageDefinition } from '../src/runner/stage.js';
import { Tokenizer } from '../src/text/index.js';

/** configs/generate.schema.json describes each key. */
export interface GenerateConfig {
  seed: number;
  device: string;
  threads: number | null;
  model: string;
  adapter: string | null;
  prompt: string | null;
  prompt_ids: number[] | null;
  max_new_tokens: number;
  temperature: number;
  top_k: number;
  top_p: number;
  min_p: number;
  repetition_penalty: number;
  stop: string[];
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
    const promptIds = await readPrompt(context, tokenizer);
    const { session, threads } = await openDevice(config);
    const { model, adapter } = await loadReadyModel(session, folder, adapterFolder);
    const generator = new Generator(model, session, { threads, adapter });
    const { ids, tokensPerSecond } = await generator.generate([promptIds], {
      maxNewTokens: config.max_new_tokens,
      temperature: config.temperature,
      topK: config.top_k,
      topP: config.top_p,
      minP: config.min_p,
      repetitionPenalty: config.repetition_penalty,
      seed: config.seed,
      stopIds: stopIdsOf(model, folder),
      stopWhen: async (newIds) =>
        config.stop.length > 0 && cutAtStop(await tokenizer.decode(newIds), config.stop) !== null,
      signal: context.signal,
    });
    session.close();
    const text = await newText(tokenizer, promptIds, ids[0]!);
    context.addFact('result', {
      ids: ids[0]!,
      text: cutAtStop(text, config.stop) ?? text,
      tokens_per_second: tokensPerSecond,
    });
  },
};

/** The ids to continue. Text is encoded as in training: with the tokenizer's own begin token. */
async function readPrompt(context: StageContext<GenerateConfig>, tokenizer: Tokenizer): Promise<number[]> {
  const { prompt, prompt_ids: promptIds } = context.config;
  if (promptIds === null) return Array.from(await tokenizer.encode(prompt!));
  const outside = promptIds.find((id) => id >= tokenizer.vocabSize);
  if (outside === undefined) return promptIds;
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
