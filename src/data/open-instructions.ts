import { SluiceError } from '../errors.js';
import { type EncodedChat, encodeChats } from '../text/encode-chat.js';
import type { Tokenizer } from '../text/tokenizer.js';
import { type Dataset, datasetOf } from './batch.js';
import { type HoldOut, holdOut } from './hold-out.js';
import { pack } from './pack.js';
import { type ColumnMapping, type InstructionRow, readInstructions } from './readers/mapping.js';
import { type RowSelection, selectRows } from './select-rows.js';

export interface InstructionsConfig extends RowSelection {
  /** A .jsonl file or a folder of them. */
  dataPath: string;
  mapping?: ColumnMapping;
  /** One side of a split of the rows. Default: all. */
  holdOut?: HoldOut;
  /** Tokens per row of the dataset; a longer conversation loses its end. */
  maxSequenceLength: number;
  /** Several conversations in one row (each its own segment), or one per row. Default: true. */
  pack?: boolean;
  /** Leaves out conversations without any target, as training must; scoring keeps them. Default: true. */
  dropWithoutTargets?: boolean;
}

/** A conversation in the dataset. */
export interface Sample extends InstructionRow {
  tokens: number;
  targets: number;
  /** Where it lies: dataset row, segment id in that row, first position. */
  row: number;
  segment: number;
  start: number;
}

export interface InstructionCounts {
  /** Rows in the files. */
  read: number;
  /** After dataset_names, subset_ratio and what is held out. */
  selected: number;
  /** Longer than max_sequence_length. */
  truncated: number;
  /** Without any token that carries loss (dropped, if so configured). */
  withoutTargets: number;
}

export interface InstructionDataset extends Dataset {
  samples: Sample[];
  /** Samples of each dataset row, by segment. */
  samplesOf(row: number): readonly Sample[];
  counts: InstructionCounts;
}

const ENCODE_AT_ONCE = 512;

/**
 * Reads conversations, renders them through the tokenizer's chat template and packs them. Only the assistant's tokens are
 * targets. Batches are then made synchronously from memory.
 *
 * @throws SluiceError `data.no_targets` naming the first row when no row has a target; `data.empty`; `text.no_chat_template`; or
 * what reading and selecting throw.
 */
export async function openInstructions(
  config: InstructionsConfig,
  tokenizer: Tokenizer,
): Promise<InstructionDataset> {
  const { rows, read } = readSelected(config);
  const counts: InstructionCounts = { read, selected: rows.length, truncated: 0, withoutTargets: 0 };
  const chats: EncodedChat[] = [];
  const samples: Sample[] = [];
  for (let first = 0; first < rows.length; first += ENCODE_AT_ONCE) {
    const part = rows.slice(first, first + ENCODE_AT_ONCE);
    const encoded = await encodeChats(
      tokenizer,
      part.map((row) => row.messages),
    );
    encoded.forEach((chat, i) => {
      const kept = truncate(chat, config.maxSequenceLength);
      if (kept !== chat) counts.truncated++;
      const targets = countTargets(kept);
      if (targets === 0) counts.withoutTargets++;
      if (targets === 0 && (config.dropWithoutTargets ?? true)) return;
      chats.push(kept);
      samples.push({ ...part[i]!, tokens: kept.ids.length, targets, row: 0, segment: 0, start: 0 });
    });
  }
  refuseWithoutTargets(rows, counts, config);
  return datasetFrom(samples, chats, counts, config, tokenizer.padId);
}

function readSelected(config: InstructionsConfig): { rows: InstructionRow[]; read: number } {
  const all = [...readInstructions(config.dataPath, config.mapping)];
  const rows = selectRows(all, config, config.dataPath);
  return { rows: config.holdOut ? holdOut(rows, config.holdOut) : rows, read: all.length };
}

function truncate(chat: EncodedChat, length: number): EncodedChat {
  if (chat.ids.length <= length) return chat;
  return { ids: chat.ids.slice(0, length), answer: chat.answer.slice(0, length) };
}

/** A first token is never predicted, so an answer there is no target. */
function countTargets(chat: EncodedChat): number {
  return chat.answer.subarray(1).reduce((sum, one) => sum + one, 0);
}

function refuseWithoutTargets(
  rows: InstructionRow[],
  counts: InstructionCounts,
  config: InstructionsConfig,
): void {
  if (counts.withoutTargets < rows.length || config.dropWithoutTargets === false) return;
  const cut = counts.truncated > 0;
  const why = cut
    ? `${counts.truncated} rows are longer than max_sequence_length=${config.maxSequenceLength} and lose their answer`
    : `no row has an assistant message with content; there are messages of ${rolesOf(rows)}`;
  throw new SluiceError('data.no_targets', `none of ${rows.length} rows has a token to learn from: ${why}`, {
    where: rows[0]!.where,
    hint: cut
      ? 'raise dataset.max_sequence_length'
      : 'what is to be learnt stands in messages whose role is assistant',
  });
}

const rolesOf = (rows: readonly InstructionRow[]) =>
  [...new Set(rows.flatMap(({ messages }) => messages.map(({ role }) => role)))].join(', ');

function datasetFrom(
  samples: Sample[],
  chats: EncodedChat[],
  counts: InstructionCounts,
  config: InstructionsConfig,
  padId: number,
): InstructionDataset {
  const length = config.maxSequenceLength;
  const rows = config.pack === false ? samples.map((_, i) => [i]) : packSamples(chats, length);
  rows.forEach((members, row) => {
    let start = 0;
    members.forEach((i, k) => {
      Object.assign(samples[i]!, { row, segment: k + 1, start });
      start += samples[i]!.tokens;
    });
  });
  const samplesOf = (row: number) => rows[row]!.map((i) => samples[i]!);
  const dataset = datasetOf({
    rows: rows.length,
    length,
    tokens: samples.reduce((sum, sample) => sum + sample.tokens, 0),
    padId,
    fill(row, batch, offset) {
      for (const i of rows[row]!) {
        const { ids, answer } = chats[i]!;
        const first = offset + samples[i]!.start;
        for (let t = 0; t < ids.length; t++) {
          batch.inputIds[first + t] = ids[t]!;
          batch.segmentIds[first + t] = samples[i]!.segment;
          batch.positions[first + t] = t;
          if (t + 1 < ids.length && answer[t + 1] === 1) batch.labels[first + t] = ids[t + 1]!;
        }
      }
    },
    describe: (rows) =>
      rows
        .flatMap(samplesOf)
        .map(({ where }) => where)
        .join(', '),
    close: () => {},
  });
  return { ...dataset, samples, samplesOf, counts };
}

/** Sample indexes of each packed row. */
function packSamples(chats: EncodedChat[], length: number): number[][] {
  const rows: number[][] = [];
  for (const piece of pack(
    chats.map((chat) => chat.ids.length),
    length,
  )) {
    (rows[piece.row] ??= []).push(piece.document);
  }
  return rows;
}
