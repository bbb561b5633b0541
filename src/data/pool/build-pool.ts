import type { Message } from '../../text/chat-template.js';
import { Random } from '../random.js';
import { DEFECTS, type DefectName } from './defects.js';
import type { Question } from './questions.js';

/** A row of pool.jsonl: what selection sees. */
export interface PoolRow {
  dataset: string;
  id: string;
  messages: Message[];
}

/** A row of truth.jsonl: what selection must not see. */
export interface TruthRow {
  id: string;
  /** 1: as the source has it; 0: a spoilt copy. */
  quality: 0 | 1;
  defect: DefectName | null;
  /** For a spoilt copy, the row it was made from. */
  copy_of: string | null;
}

/**
 * Mixes `questions` with spoilt copies of them, so that `dirtyShare` of all rows are spoilt, and numbers the rows in their
 * mixed order. No question is copied once more before all were. Defects come in the proportion of their weights.
 */
export function buildPool(
  questions: readonly Question[],
  options: { dirtyShare: number; defects: Partial<Record<DefectName, number>>; seed: number },
): { rows: PoolRow[]; truth: TruthRow[] } {
  const random = new Random(options.seed, 'pool');
  const dirty = Math.round((questions.length * options.dirtyShare) / (1 - options.dirtyShare));
  const names = defectSequence(options.defects, dirty);
  random.shuffle(names);
  const shuffled = random.shuffle(questions.map((_, i) => i));
  const victims = names.map((_, d) => shuffled[d % shuffled.length]!);
  const entries = [
    ...questions.map((question, i) => ({ question, original: i, defect: null as DefectName | null })),
    ...victims.map((i, d) => ({
      question: DEFECTS[names[d]!](questions[i]!, random),
      original: i,
      defect: names[d] as DefectName | null,
    })),
  ];
  random.shuffle(entries);
  const idOfOriginal = new Map<number, string>();
  entries.forEach((entry, i) => {
    if (entry.defect === null) idOfOriginal.set(entry.original, rowId(i));
  });
  return {
    rows: entries.map((entry, i) => ({
      dataset: entry.question.kind,
      id: rowId(i),
      messages: [prompt(entry.question), { role: 'assistant', content: entry.question.answer }],
    })),
    truth: entries.map((entry, i) => ({
      id: rowId(i),
      quality: entry.defect === null ? 1 : 0,
      defect: entry.defect,
      copy_of: entry.defect === null ? null : idOfOriginal.get(entry.original)!,
    })),
  };
}

/** What the assistant is asked. */
export function prompt(question: Question): Message {
  return { role: 'user', content: question.before + question.passage + question.after };
}

/** Defect names in proportion to their weights, `count` in all. */
function defectSequence(weights: Partial<Record<DefectName, number>>, count: number): DefectName[] {
  const names = (Object.keys(weights) as DefectName[]).filter((name) => weights[name]! > 0);
  const total = names.reduce((sum, name) => sum + weights[name]!, 0);
  const sequence: DefectName[] = [];
  let upTo = 0;
  for (const name of names) {
    upTo += weights[name]!;
    while (sequence.length < Math.round((count * upTo) / total)) sequence.push(name);
  }
  return sequence;
}

function rowId(index: number): string {
  return `row-${String(index).padStart(6, '0')}`;
}
