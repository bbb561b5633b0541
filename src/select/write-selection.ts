import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeSafetensors } from '../checkpoint/index.js';
import type { Sample } from '../data/index.js';
import type { RouterScores } from './score.js';
import type { Truth } from './truth.js';

export interface Selection {
  samples: readonly Sample[];
  scores: RouterScores;
  /** Indices of the kept samples, best first, and of an equally large random choice. */
  kept: readonly number[];
  random: readonly number[];
  truth: ReadonlyMap<string, Truth> | null;
}

/** Enough to see what kind of row was thrown away. */
const droppedExamples = 20;

/**
 * Writes what stage 2 leaves:
 * selected_data.jsonl ({dataset, id, scores, messages}, best first), random_data.jsonl (the same form),
 * dropped_examples.jsonl (the worst of the rest, worst first, for people to read), scores.jsonl (a line per row of the
 * pool) and router_data/ (means per row and layer, enough to select again).
 */
export function writeSelection(folder: string, selection: Selection): void {
  const { samples, scores, kept, random, truth } = selection;
  const { layerCount, expertCount } = scores;
  const row = (index: number) => {
    const { dataset, id, messages } = samples[index]!;
    const layers = [...scores.layers.subarray(index * layerCount, (index + 1) * layerCount)];
    return { dataset, id, scores: { quality: scores.score[index], layers }, messages };
  };
  writeLines(join(folder, 'selected_data.jsonl'), kept.map(row));
  writeLines(join(folder, 'random_data.jsonl'), random.map(row));
  const isKept = new Set(kept);
  const dropped = samples.map((_, index) => index).filter((index) => !isKept.has(index));
  dropped.sort((a, b) => scores.score[a]! - scores.score[b]! || a - b);
  writeLines(join(folder, 'dropped_examples.jsonl'), dropped.slice(0, droppedExamples).map(row));
  writeLines(
    join(folder, 'scores.jsonl'),
    samples.map(({ id, dataset }, index) => ({
      id,
      dataset,
      score: scores.score[index],
      kept: isKept.has(index),
      ...truth?.get(id),
    })),
  );
  const routerData = join(folder, 'router_data');
  mkdirSync(routerData, { recursive: true });
  writeLines(
    join(routerData, 'rows.jsonl'),
    samples.map(({ id, dataset, tokens }) => ({ id, dataset, tokens })),
  );
  writeSafetensors(join(routerData, 'router_data.safetensors'), [
    { name: 'quality_score', dtype: 'F32', shape: [samples.length, layerCount], data: scores.layers },
    {
      name: 'moe_logits',
      dtype: 'F32',
      shape: [samples.length, layerCount, expertCount],
      data: scores.moeLogits,
    },
  ]);
}

function writeLines(path: string, rows: readonly object[]): void {
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}
