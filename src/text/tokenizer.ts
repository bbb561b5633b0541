import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as HuggingFace from 'tokenizers';
import { SluiceError } from '../errors.js';
import { ChatTemplate } from './chat-template.js';

/** A text's tokens with where each came from: code point offsets `[start, end)` into the text, flat. */
export interface EncodedText {
  ids: Int32Array;
  offsets: Int32Array;
}

/** A Hugging Face tokenizer folder (`tokenizer.json`, `tokenizer_config.json`), opened. */
export class Tokenizer {
  /** sha256 of `tokenizer.json`: tokenised data and checkpoints name it. */
  readonly sha256: string;
  /** One more than the largest id, added tokens included. */
  readonly vocabSize: number;
  readonly bosToken: string | null;
  readonly eosToken: string | null;
  readonly bosId: number | null;
  readonly eosId: number | null;
  /** What padding is filled with. Only a filler: masks never come from token ids. */
  readonly padId: number;
  readonly specialTokens: readonly string[];
  readonly chatTemplate: ChatTemplate | null;
  private readonly inner: HuggingFace.Tokenizer;

  /**
   * @throws SluiceError `data.missing_file` without a `tokenizer.json`, `data.bad_tokenizer` for one that does not load.
   */
  static open(directory: string): Tokenizer {
    const path = join(directory, 'tokenizer.json');
    if (!existsSync(path)) {
      throw new SluiceError('data.missing_file', `no tokenizer.json in ${directory}`, {
        where: path,
        hint: 'give the folder that holds tokenizer.json (a model folder, or the tokenizer output of prepare)',
      });
    }
    return new Tokenizer(directory, path);
  }

  private constructor(directory: string, path: string) {
    const text = readFileSync(path, 'utf8');
    this.sha256 = createHash('sha256').update(text).digest('hex');
    this.inner = load(text, path);
    const vocabulary = Object.values(this.inner.getVocab(true));
    this.vocabSize = vocabulary.reduce((largest, id) => Math.max(largest, id), -1) + 1;
    this.specialTokens = addedTokens(text)
      .filter((token) => token.special)
      .map((token) => token.content);
    const config = readConfig(directory);
    this.bosToken = tokenText(config.bos_token);
    this.eosToken = tokenText(config.eos_token);
    this.bosId = this.idOf(this.bosToken);
    this.eosId = this.idOf(this.eosToken);
    this.padId = this.idOf(tokenText(config.pad_token)) ?? this.eosId ?? 0;
    const source = readTemplate(directory, config);
    const tokens = { bos_token: this.bosToken, eos_token: this.eosToken };
    this.chatTemplate = source === null ? null : new ChatTemplate(source, tokens, this.specialTokens);
  }

  /** Token ids of one text; with the tokenizer's own special tokens (a Llama BOS) unless told otherwise. */
  async encode(text: string, options: { addSpecialTokens?: boolean } = {}): Promise<Int32Array> {
    return (await this.encodeBatch([text], options))[0]!;
  }

  async encodeBatch(texts: string[], options: { addSpecialTokens?: boolean } = {}): Promise<Int32Array[]> {
    const encodings = await this.inner.encodeBatch(texts, {
      addSpecialTokens: options.addSpecialTokens ?? true,
    });
    return encodings.map((encoding) => Int32Array.from(encoding.getIds()));
  }

  /** Ids and offsets, without the tokenizer's own special tokens. */
  async encodeWithOffsets(texts: string[]): Promise<EncodedText[]> {
    const encodings = await this.inner.encodeBatch(texts, { addSpecialTokens: false });
    return encodings.map((encoding) => ({
      ids: Int32Array.from(encoding.getIds()),
      offsets: Int32Array.from(encoding.getOffsets().flat()),
    }));
  }

  async decode(ids: ArrayLike<number>, options: { skipSpecialTokens?: boolean } = {}): Promise<string> {
    return this.inner.decode(Array.from(ids), options.skipSpecialTokens ?? true);
  }

  /** The token's id, or null when there is none. */
  idOf(token: string | null): number | null {
    return token === null ? null : this.inner.tokenToId(token);
  }
}

function load(text: string, path: string): HuggingFace.Tokenizer {
  // CommonJS package with a native binding: required here so that importing this module stays cheap.
  const { Tokenizer: Inner } = createRequire(import.meta.url)('tokenizers') as typeof HuggingFace;
  try {
    return Inner.fromString(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SluiceError('data.bad_tokenizer', `tokenizer.json does not load: ${reason}`, {
      where: path,
      cause,
    });
  }
}

interface TokenizerConfig {
  bos_token?: unknown;
  eos_token?: unknown;
  pad_token?: unknown;
  chat_template?: unknown;
}

function readConfig(directory: string): TokenizerConfig {
  const path = join(directory, 'tokenizer_config.json');
  if (!existsSync(path)) return {};
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as TokenizerConfig;
  } catch (cause) {
    throw new SluiceError('data.bad_json', 'tokenizer_config.json is not valid JSON', { where: path, cause });
  }
}

function addedTokens(text: string): { content: string; special: boolean }[] {
  return (JSON.parse(text) as { added_tokens?: { content: string; special: boolean }[] }).added_tokens ?? [];
}

/** `"</s>"` or `{"content": "</s>", …}`: both are written in practice. */
function tokenText(value: unknown): string | null {
  if (typeof value === 'string') return value;
  const content = (value as { content?: unknown } | null | undefined)?.content;
  return typeof content === 'string' ? content : null;
}

/** `chat_template.jinja` first; else the config's, which is a string or a list of named ones. */
function readTemplate(directory: string, config: TokenizerConfig): string | null {
  const path = join(directory, 'chat_template.jinja');
  if (existsSync(path)) return readFileSync(path, 'utf8');
  if (typeof config.chat_template === 'string') return config.chat_template;
  if (!Array.isArray(config.chat_template)) return null;
  const named = config.chat_template as { name: string; template: string }[];
  return (named.find((entry) => entry.name === 'default') ?? named[0])?.template ?? null;
}
