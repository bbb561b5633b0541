import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SafetensorsFile } from '../checkpoint/index.js';
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
  /** Mean gate per layer over kept and over dropped rows; empty without router_data of these rows. */
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
    layers: layerMeans(join(runDirectory, 'router_data', 'router_data.safetensors'), scores),
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

/** A number, or `{quality, layers}` as stage 2 writes it. */
function scoreOf(scores: unknown): number | null {
  const score =
    typeof scores === 'object' && scores !== null ? (scores as { quality?: unknown }).quality : scores;
  return typeof score === 'number' ? score : null;
}

/** `quality_score` [rows, layers] holds the rows in the order of scores.jsonl. */
function layerMeans(path: string, scores: ScoredRow[]): Selection['layers'] {
  if (!existsSync(path)) return [];
  try {
    const file = new SafetensorsFile(path);
    try {
      const [rows, layers] = file.entry('quality_score').shape;
      return rows === scores.length ? meansOf(file.readF32('quality_score'), layers!, scores) : [];
    } finally {
      file.close();
    }
  } catch {
    return []; // a damaged file costs the page one picture, not the others
  }
}

function meansOf(gates: Float32Array, layers: number, scores: ScoredRow[]): Selection['layers'] {
  const keptRows = scores.filter((row) => row.kept).length;
  const droppedRows = scores.length - keptRows;
  return Array.from({ length: layers }, (_, layer) => {
    const mean = { kept: 0, dropped: 0 };
    scores.forEach((row, index) => {
      const gate = gates[index * layers + layer]!;
      if (row.kept) mean.kept += gate / keptRows;
      else mean.dropped += gate / droppedRows;
    });
    return mean;
  });
}
