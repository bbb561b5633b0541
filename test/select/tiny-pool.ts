import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Engine, Session } from '../../src/engine/index.js';
import { buildModel, initializeWeights, saveModelFolder } from '../../src/models/index.js';
import { Tokenizer, type TrainBpe, trainTokenizer } from '../../src/text/index.js';

const words = 'the of and to in a that we our for have this be will with is not'.split(' ');

/** Makes a folder with an OLMoE model of two small layers (`model`) and a pool of 13 rows in two datasets (`rows.jsonl`). */
export async function makeTinyPool(
  engine: Engine,
  session: Session,
): Promise<{ work: string; folder: string; rows: string }> {
  const work = mkdtempSync(join(tmpdir(), 'sluice-select-'));
  const folder = join(work, 'model');
  const rows = join(work, 'rows.jsonl');
  const tokenizerFolder = join(work, 'tokenizer');
  await trainTokenizer(engine.addon.trainBpe as TrainBpe, [words.join(' ')], tokenizerFolder, {
    vocabSize: 300,
    minFrequency: 2,
    threads: 1,
    maxLength: 64,
  });
  const model = await buildModel({
    model_type: 'olmoe',
    vocab_size: Tokenizer.open(tokenizerFolder).vocabSize,
    hidden_size: 16,
    intermediate_size: 8,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    num_key_value_heads: 2,
    num_experts: 4,
    num_experts_per_tok: 2,
    max_position_embeddings: 128,
    initializer_range: 0.5,
  });
  await initializeWeights(model.parameters(), session, { seed: 1, threads: 2 });
  saveModelFolder(model, session, folder, { tokenizerFolder });
  const lines = Array.from({ length: 13 }, (_, i) => {
    const said = (count: number, from: number) =>
      Array.from({ length: count }, (_, k) => words[(from + k * (i + 1)) % words.length]).join(' ');
    const messages = [
      { role: 'user', content: said(2 + (i % 5), i) },
      { role: 'assistant', content: said(1 + (i % 3), 2 * i) },
    ];
    return JSON.stringify({ dataset: i % 2 ? 'odd' : 'even', id: `row-${i}`, messages });
  });
  writeFileSync(rows, `${lines.join('\n')}\n`);
  return { work, folder, rows };
}
