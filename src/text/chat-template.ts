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
  private readonly specialTokens: readonly string[];
  private readonly template: Jinja.Template;

  /**
   * @param tokens special tokens by the name templates use: `{ bos_token: '<s>', … }`
   * @param specialTokens all of them; one that directly follows an answer ends it
   * @throws SluiceError `text.bad_template` for a template that does not parse.
   */
  constructor(source: string, tokens: Record<string, string | null>, specialTokens: readonly string[]) {
    this.source = source;
    this.tokens = tokens;
    this.specialTokens = specialTokens;
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
   * White space that the template adds after that token is not part of the answer. Where a template writes earlier messages
   * otherwise once more follow (it drops their thoughts), an answer starts with its content instead.
   *
   * @throws SluiceError `text.template_hides_answer` when an answer has no place of its own in the text.
   */
  renderWithAnswers(messages: readonly Message[]): RenderedChat {
    const text = this.render(messages);
    const answers: [number, number][] = [];
    messages.forEach((message, i) => {
      if (message.role !== 'assistant') return;
      answers.push(this.answerByGrowth(messages, i, text) ?? this.answerByContent(messages, i, text));
    });
    return { text, answers };
  }

  /** The answer as what message `i` adds to the text before it; null when the text does not simply grow. */
  private answerByGrowth(messages: readonly Message[], i: number, text: string): [number, number] | null {
    const before = this.render(messages.slice(0, i), { addGenerationPrompt: true });
    const through = i + 1 === messages.length ? text : this.render(messages.slice(0, i + 1));
    const end = endOfTurn(through, messages[i]!.content);
    if (end < before.length || !text.startsWith(before) || !text.startsWith(through.slice(0, end)))
      return null;
    return [before.length, end];
  }

  /** The answer as what stands where a marker in its place would stand, and a special token right behind it. */
  private answerByContent(messages: readonly Message[], i: number, text: string): [number, number] {
    const marked = this.render(messages.with(i, { ...messages[i]!, content: MARKER }));
    const [head, tail, ...more] = marked.split(MARKER);
    if (head === undefined || tail === undefined || more.length > 0 || !isAround(text, head, tail)) {
      throw new SluiceError(
        'text.template_hides_answer',
        `the chat template renders message ${i + 1} so that its answer has no place of its own`,
        { hint: 'use a template that writes each message once' },
      );
    }
    const ending = this.specialTokens.find((token) => tail.startsWith(token)) ?? '';
    return [head.length, text.length - tail.length + ending.length];
  }
}

/** Stands for an answer; private-use characters that no text has. */
const MARKER = '\u{F5AFE}answer\u{F5AFE}';

function isAround(text: string, head: string, tail: string): boolean {
  return head.length + tail.length <= text.length && text.startsWith(head) && text.endsWith(tail);
}

/** Where the turn ends: without trailing white space, unless that is the content's own. */
function endOfTurn(through: string, content: string): number {
  return through.endsWith(content) ? through.length : through.trimEnd().length;
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
