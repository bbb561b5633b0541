import { basename } from 'node:path';
import { SluiceError } from '../../errors.js';
import type { Message } from '../../text/chat-template.js';
import type { SourceDocument } from '../sources/document.js';
import { kindOf, type RawRow, readRows } from './rows.js';

/** The form of instruction data everywhere: `{dataset, id, messages}`. */
export interface InstructionRow {
  dataset: string;
  id: string;
  messages: Message[];
  where: string;
}

/** The form of corpora: `{text}`, with an id for messages and splits, and facts where the row has them. */
export interface TextRow extends SourceDocument {
  where: string;
}

/**
 * Which columns hold what. `messages`, or `prompt` + `response` (with an optional `input` below the prompt), or `text`.
 * A column that is not named is looked for under its own name.
 */
export interface ColumnMapping {
  dataset?: string;
  id?: string;
  messages?: string;
  prompt?: string;
  input?: string;
  response?: string;
  text?: string;
  year?: string;
  speaker?: string;
  party?: string;
}

/**
 * Instruction rows of a file or folder. A row without `dataset` gets the file's name, one without `id` its place.
 *
 * @throws SluiceError `data.row_without_messages` naming the row, or what `readRows` throws.
 */
export function* readInstructions(path: string, mapping: ColumnMapping = {}): Generator<InstructionRow> {
  for (const row of readRows(path)) {
    yield {
      dataset: optionalText(row, mapping.dataset ?? 'dataset') ?? fileName(row.where),
      id: optionalText(row, mapping.id ?? 'id') ?? row.where,
      messages: mapping.prompt === undefined ? messagesOf(row, mapping) : promptAndResponse(row, mapping),
      where: row.where,
    };
  }
}

/** Corpus rows of a file or folder. @throws SluiceError `data.row_without_text` naming the row. */
export function* readTexts(path: string, mapping: ColumnMapping = {}): Generator<TextRow> {
  const column = mapping.text ?? 'text';
  for (const row of readRows(path)) {
    const text = row.values[column];
    if (typeof text !== 'string') {
      throw new SluiceError('data.row_without_text', `column "${column}" must be text, got ${kindOf(text)}`, {
        where: row.where,
        hint: columnsHint(row),
      });
    }
    const year = row.values[mapping.year ?? 'year'];
    const speaker = optionalText(row, mapping.speaker ?? 'speaker');
    const party = optionalText(row, mapping.party ?? 'party');
    yield {
      id: optionalText(row, mapping.id ?? 'id') ?? row.where,
      text,
      ...(typeof year === 'number' && { year }),
      ...(speaker !== undefined && { speaker }),
      ...(party !== undefined && { party }),
      where: row.where,
    };
  }
}

function messagesOf(row: RawRow, mapping: ColumnMapping): Message[] {
  const column = mapping.messages ?? 'messages';
  const value = row.values[column];
  if (!Array.isArray(value) || value.length === 0) {
    const got = Array.isArray(value) ? 'an empty array' : kindOf(value);
    throw new SluiceError(
      'data.row_without_messages',
      `column "${column}" must be a list of messages, got ${got}`,
      {
        where: row.where,
        hint: likelyMapping(row) ?? columnsHint(row),
      },
    );
  }
  return value.map((message: unknown, i) => {
    const { role, content } = (message ?? {}) as Partial<Message>;
    if (typeof role === 'string' && typeof content === 'string') return { role, content };
    throw new SluiceError(
      'data.row_without_messages',
      `${column}[${i}] must be {"role": text, "content": text}, got ${JSON.stringify(message).slice(0, 80)}`,
      { where: row.where },
    );
  });
}

function promptAndResponse(row: RawRow, mapping: ColumnMapping): Message[] {
  const input = mapping.input === undefined ? '' : (optionalText(row, mapping.input) ?? '');
  const prompt = requiredText(row, mapping.prompt!);
  return [
    { role: 'user', content: input === '' ? prompt : `${prompt}\n\n${input}` },
    { role: 'assistant', content: requiredText(row, mapping.response ?? 'response') },
  ];
}

function requiredText(row: RawRow, column: string): string {
  const value = row.values[column];
  if (typeof value === 'string') return value;
  throw new SluiceError(
    'data.row_without_messages',
    `column "${column}" must be text, got ${kindOf(value)}`,
    {
      where: row.where,
      hint: columnsHint(row),
    },
  );
}

function optionalText(row: RawRow, column: string): string | undefined {
  const value = row.values[column];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

function columnsHint(row: RawRow): string {
  return `the row has columns ${Object.keys(row.values).join(', ') || '(none)'}; which is meant says mapping, where the config has that key`;
}

/** What flat columns are usually called: the mapping that reads such a row, as a hint. */
function likelyMapping({ values }: RawRow): string | undefined {
  const first = (names: string[]) => names.find((name) => typeof values[name] === 'string');
  const prompt = first(['instruction', 'prompt', 'question', 'query']);
  const response = first(['output', 'response', 'completion', 'answer']);
  if (prompt === undefined || response === undefined) return undefined;
  const input = first(['input', 'context']);
  const columns = [`prompt: ${prompt}`, ...(input ? [`input: ${input}`] : []), `response: ${response}`];
  return `flat columns become messages by a mapping: 'dataset.mapping={${columns.join(', ')}}'`;
}

function fileName(where: string): string {
  return basename(where.replace(/:\d+$/, '')).replace(/\.(jsonl|txt)$/, '');
}
