import { SluiceError } from '../errors.js';
import type { ChatTemplate, Message } from './chat-template.js';
import type { Tokenizer } from './tokenizer.js';

/** A conversation as tokens; `answer[t]` is 1 where token t is the assistant's own (its end-of-turn token included). */
export interface EncodedChat {
  ids: Int32Array;
  answer: Uint8Array;
}

/**
 * Conversations to token ids: the one path that training, evaluation and serving share. The template writes the special
 * tokens, the tokenizer adds none, so there is no second BOS. Which tokens are answers comes from the template's spans,
 * never from token ids. A token that straddles the start of an answer belongs to the prompt.
 *
 * @throws SluiceError `text.no_chat_template` when the tokenizer has none.
 */
export async function encodeChats(
  tokenizer: Tokenizer,
  conversations: readonly (readonly Message[])[],
): Promise<EncodedChat[]> {
  const template = templateOf(tokenizer);
  const rendered = conversations.map((messages) => template.renderWithAnswers(messages));
  const encoded = await tokenizer.encodeWithOffsets(rendered.map((chat) => chat.text));
  return encoded.map(({ ids, offsets }, c) => {
    const { text, answers } = rendered[c]!;
    const answer = new Uint8Array(ids.length);
    for (const [start, end] of answers) {
      const first = codePointsBefore(text, start);
      const last = first + codePointsBefore(text.slice(start, end), end - start);
      for (let t = 0; t < ids.length; t++) {
        const at = offsets[2 * t]!;
        if (at >= first && at < last) answer[t] = 1;
      }
    }
    return { ids, answer };
  });
}

/** Tokens of a conversation up to where the assistant speaks next: what generation starts from. */
export async function encodePrompts(
  tokenizer: Tokenizer,
  conversations: readonly (readonly Message[])[],
): Promise<Int32Array[]> {
  const template = templateOf(tokenizer);
  const texts = conversations.map((messages) => template.render(messages, { addGenerationPrompt: true }));
  return tokenizer.encodeBatch(texts, { addSpecialTokens: false });
}

function templateOf(tokenizer: Tokenizer): ChatTemplate {
  if (tokenizer.chatTemplate !== null) return tokenizer.chatTemplate;
  throw new SluiceError('text.no_chat_template', 'the tokenizer has no chat template', {
    hint: 'put chat_template.jinja beside tokenizer.json, or chat_template into tokenizer_config.json',
  });
}

/** The tokenizer counts code points, JavaScript counts UTF-16 units. */
function codePointsBefore(text: string, index: number): number {
  let points = 0;
  for (let i = 0; i < index; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0xdc00 || unit > 0xdfff) points++;
  }
  return points;
}
