import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SluiceError } from '../errors.js';
import { codePointRanges } from './code-point-ranges.js';

/** The addon's trainer (`native/addon/bpe.h`), handed in by the caller: this room loads no native code. */
export type TrainBpe = (
  options: {
    vocabSize: number;
    minFrequency: number;
    specialTokens: string[];
    threads: number;
    letters: Uint32Array;
    numbers: Uint32Array;
  },
  texts: string[],
) => Promise<{ vocab: string[]; merges: [number, number][] }>;

export interface TokenizerTraining {
  /** Tokens in all: special ones, the 256 bytes, then merges. */
  vocabSize: number;
  /** A pair of symbols seen less often is not merged. */
  minFrequency: number;
  threads: number;
  /** `model_max_length` of the written config. */
  maxLength: number;
}

const BYTES = 256;
const END_OF_TEXT = '<|endoftext|>';
const PAD = '<|pad|>';
const SPECIAL_TOKENS = [END_OF_TEXT, PAD, '<|system|>', '<|user|>', '<|assistant|>'];

/**
 * The template of tokenizers trained here. A space before each content makes an answer's first word the same token as
 * inside a sentence; `<|endoftext|>` opens a conversation as it opens a document, and ends each answer.
 */
const CHAT_TEMPLATE = [
  '{{ bos_token }}{% for message in messages %}',
  "{{ '<|' + message['role'] + '|> ' + message['content'] }}",
  "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}",
  '{% endfor %}',
  "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}",
].join('');

/**
 * Trains a byte-level BPE tokenizer on `texts` and writes `tokenizer.json` and `tokenizer_config.json` (with a chat
 * template) to `directory`, in the form Hugging Face's libraries load.
 *
 * @returns how many tokens it has; fewer than asked for when no pair is frequent enough.
 * @throws SluiceError `data.empty` for no text, `config.vocab_size` for a size without room for the bytes.
 */
export async function trainTokenizer(
  trainBpe: TrainBpe,
  texts: string[],
  directory: string,
  training: TokenizerTraining,
): Promise<number> {
  const smallest = SPECIAL_TOKENS.length + BYTES;
  if (training.vocabSize < smallest) {
    throw new SluiceError('config.vocab_size', `tokenizer.vocab_size=${training.vocabSize} is too small`, {
      hint: `${SPECIAL_TOKENS.length} special tokens and ${BYTES} bytes need at least ${smallest}`,
    });
  }
  if (texts.every((text) => text.length === 0)) {
    throw new SluiceError('data.empty', 'no text to train a tokenizer on', {
      hint: 'the training split is empty: check source and split',
    });
  }
  const { vocab, merges } = await trainBpe(
    {
      vocabSize: training.vocabSize,
      minFrequency: training.minFrequency,
      specialTokens: SPECIAL_TOKENS,
      threads: training.threads,
      letters: codePointRanges(/^\p{L}$/u),
      numbers: codePointRanges(/^\p{N}$/u),
    },
    texts,
  );
  mkdirSync(directory, { recursive: true });
  writeJson(join(directory, 'tokenizer.json'), tokenizerJson(vocab, merges));
  writeJson(join(directory, 'tokenizer_config.json'), tokenizerConfig(training.maxLength));
  return vocab.length;
}

function tokenizerJson(vocab: string[], merges: [number, number][]): object {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL_TOKENS.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(vocab.map((token, id) => [token, id])),
      merges: merges.map(([left, right]) => [vocab[left], vocab[right]]),
    },
  };
}

function tokenizerConfig(maxLength: number): object {
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    bos_token: END_OF_TEXT,
    eos_token: END_OF_TEXT,
    pad_token: PAD,
    add_bos_token: false,
    add_eos_token: false,
    clean_up_tokenization_spaces: false,
    model_max_length: maxLength,
    chat_template: CHAT_TEMPLATE,
  };
}

function writeJson(path: string, value: object): void {
  writeFileSync(path, `${JSON.stringify(value, null, 1)}\n`);
}
