import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import type * as Jinja from '@huggingface/jinja';
import { SluiceError } from '../errors.js';

export interface Message {
  role: string;
  content: string;
}

/** A rendered conversation and the parts the assistant said, as `[start, end)` indexes into `text` (UTF-16 units). */
export interface RenderedChat {
  text: string;
  answers: [number, number][];
}

/** A Jinja chat template with the special tokens it may name. */
export class ChatTemplate {
  /** sha256 of the template's source: kept in checkpoints, so that training and serving cannot differ unseen. */
  readonly sha256: string;
  readonly source: string;
  private readonly tokens: Record<string, string | null>;
  private readonly template: Jinja.Template;

  /**
   * @param tokens special tokens by the name templates use: `{ bos_token: '<s>', … }`
   * @throws SluiceError `text.bad_template` for a template that does not parse.
   */
  constructor(source: string, tokens: Record<string, string | null>) {
    this.source = source;
    this.tokens = tokens;
    this.sha256 = createHash('sha256').update(source).digest('hex');
    const { Template } = createRequire(import.meta.url)('@huggingface/jinja') as typeof Jinja;
    try {
      this.template = new Template(source);
    } catch (cause) {
      throw new SluiceError('text.bad_template', `the chat template does not parse: ${reason(cause)}`, {
        cause,
      });
    }
  }

  /**
   * The conversation as text. With `addGenerationPrompt` it ends where the assistant's next answer begins.
   *
   * @throws SluiceError `text.template_failed` with the template's own complaint.
   */
  render(messages: readonly Message[], options: { addGenerationPrompt?: boolean } = {}): string {
    try {
      return this.template.render({
        ...this.tokens,
        messages,
        add_generation_prompt: options.addGenerationPrompt ?? false,
      });
    } catch (cause) {
      throw new SluiceError(
        'text.template_failed',
        `the chat template refuses a conversation: ${reason(cause)}`,
        {
          cause,
        },
      );
    }
  }

  /**
   * Renders, and finds each assistant message: from the end of its generation prompt through its end-of-turn token.
   * White space that the template adds after that token is not part of the answer.
   *
   * @throws SluiceError `text.template_not_incremental` when the text of earlier messages changes with later ones.
   */
  renderWithAnswers(messages: readonly Message[]): RenderedChat {
    const text = this.render(messages);
    const answers: [number, number][] = [];
    messages.forEach((message, i) => {
      if (message.role !== 'assistant') return;
      const before = this.render(messages.slice(0, i), { addGenerationPrompt: true });
      const through = i + 1 === messages.length ? text : this.render(messages.slice(0, i + 1));
      if (!text.startsWith(before) || !text.startsWith(through.trimEnd()) || through.length < before.length) {
        throw new SluiceError(
          'text.template_not_incremental',
          `the chat template renders message ${i + 1} differently when more follows, so its answer has no fixed place`,
          { hint: 'use a template whose text only grows with each message' },
        );
      }
      answers.push([before.length, Math.max(before.length, endOfTurn(through, message.content))]);
    });
    return { text, answers };
  }
}

/** Where the turn ends: without trailing white space, unless that is the content's own. */
function endOfTurn(through: string, content: string): number {
  return through.endsWith(content) ? through.length : through.trimEnd().length;
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
