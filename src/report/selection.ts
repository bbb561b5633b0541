import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { jsonLines } from './metrics.js';

/** Examples shown of each kind; the rest of the files is only counted. */
const EXAMPLES = 4;

/** What a selection stage left, in the sizes a page can show. */
export interface Selection {
  scores: ScoredRow[];
  /** Best first. */
  keptExamples: ExampleRow[];
  /** Worst first, where the run wrote some. */
  droppedExamples: ExampleRow[];
  /** Mean gate per layer over kept and over dropped rows; empty when router_data has no readable rows. */
  layers: { kept: number; dropped: number }[];
}

/** One row of the pool: a line of scores.jsonl. `quality` and `defect` only where the truth is known. */
export interface ScoredRow {
  id: string;
  dataset: string;
  score: number;
  kept: boolean;
  /** 1 clean, 0 dirty; null unknown. */
  quality: number | null;
  defect: string | null;
}

export interface ExampleRow {
  id: string;
  dataset: string;
  score: number | null;
  messages: { role: string; content: string }[];
}

/** The selection in a run folder, or null where the run selected nothing. */
export async function readSelection(runDirectory: string): Promise<Selection | null> {
  const scoresPath = join(runDirectory, 'scores.jsonl');
  if (!existsSync(scoresPath)) return null;
  const scores: ScoredRow[] = [];
  for await (const line of jsonLines(scoresPath)) {
    const row = scoredRow(line);
    if (row !== null) scores.push(row);
  }
  if (scores.length === 0) return null;
  return {
    scores,
    keptExamples: await firstExamples(join(runDirectory, 'selected_data.jsonl')),
    droppedExamples: await firstExamples(join(runDirectory, 'dropped_examples.jsonl')),
    layers: await layerMeans(join(runDirectory, 'router_data'), scores),
  };
}

function scoredRow(line: Record<string, unknown>): ScoredRow | null {
  if (typeof line.score !== 'number' || !Number.isFinite(line.score)) return null;
  return {
    id: String(line.id ?? ''),
    dataset: String(line.dataset ?? ''),
    score: line.score,
    kept: line.kept === true || line.kept === 1,
    quality: typeof line.quality === 'number' ? line.quality : null,
    defect: typeof line.defect === 'string' && line.defect !== '' ? line.defect : null,
  };
}

async function firstExamples(path: string): Promise<ExampleRow[]> {
  const examples: ExampleRow[] = [];
  for await (const line of jsonLines(path)) {
    const messages = Array.isArray(line.messages) ? line.messages : [];
    examples.push({
      id: String(line.id ?? ''),
      dataset: String(line.dataset ?? ''),
      score: scoreOf(line.scores ?? line.score),
      messages: messages.map((message: { role?: unknown; content?: unknown } | null) => ({
        role: String(message?.role ?? ''),
        content: String(message?.content ?? ''),
      })),
    });
    if (examples.length === EXAMPLES) break;
  }
  return examples;
}

function scoreOf(scores: unknown): number | null {
  if (typeof scores === 'number') return scores;
  if (!Array.isArray(scores) || scores.length === 0) return null;
  return scores.reduce((sum: number, one: unknown) => sum + Number(one), 0) / scores.length;
}

/** From the JSONL files of router_data: rows of `{id, scores: [one per layer]}`. */
async function layerMeans(folder: string, scores: ScoredRow[]): Promise<Selection['layers']> {
  if (!existsSync(folder)) return [];
  const kept = new Map(scores.map((row) => [`${row.dataset}\0${row.id}`, row.kept]));
  const sums: { kept: number; dropped: number }[] = [];
  const counts = { kept: 0, dropped: 0 };
  for (const file of (await readdir(folder)).filter((name) => name.endsWith('.jsonl')).sort()) {
    for await (const line of jsonLines(join(folder, file))) {
      const group = kept.get(`${String(line.dataset ?? '')}\0${String(line.id ?? '')}`) ? 'kept' : 'dropped';
      if (!Array.isArray(line.scores)) continue;
      counts[group] += 1;
      line.scores.forEach((score: unknown, layer: number) => {
        const sum = (sums[layer] ??= { kept: 0, dropped: 0 });
        sum[group] += Number(score);
      });
    }
  }
  return sums.map((sum) => ({
    kept: sum.kept / (counts.kept || 1),
    dropped: sum.dropped / (counts.dropped || 1),
  }));
}
