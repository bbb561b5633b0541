import { createHash } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execaNode, type Options } from 'execa';
import { Random, writeTokenStore } from '../../src/data/index.js';
import { openEngine } from '../../src/engine/index.js';
import { History } from '../../src/runner/history.js';
import { Tokenizer } from '../../src/text/index.js';
import { makeTinyPool } from '../select/tiny-pool.js';

const entry = fileURLToPath(new URL('./fixtures/training-command-line.js', import.meta.url));

/** A training stage made small, and what it leaves. */
export interface TinyStage {
  name: 'pretrain' | 'stage_1' | 'stage_3';
  overrides: string[];
  weights: string;
}

/** A project in a temporary folder with a tiny corpus, instruction rows and a model, where real stages train. */
export class TrainingProject {
  readonly root: string;
  private constructor(root: string) {
    this.root = root;
  }

  static async make(): Promise<TrainingProject> {
    const engine = await openEngine();
    const session = engine.session({ device: 'cpu', threads: 1 });
    const { work } = await makeTinyPool(engine, session);
    session.close();
    writeFileSync(join(work, 'package.json'), '{"version": "0.0.1"}');
    const tokenizer = Tokenizer.open(join(work, 'model'));
    const { sha256: tokenizerSha256, vocabSize, padId } = tokenizer;
    const random = new Random(1);
    const text = (length: number) => Int32Array.from({ length }, () => 5 + random.below(vocabSize - 5));
    for (const [folder, documents] of Object.entries({ data: 200, code: 60 })) {
      for (const [split, count] of Object.entries({ train: documents, validation: 20 })) {
        const texts = Array.from({ length: count }, () => text(5 + random.below(40)));
        writeTokenStore(join(work, folder, split), texts, { tokenizerSha256, vocabSize, padId, length: 32 });
      }
      cpSync(join(work, 'tokenizer'), join(work, folder, 'tokenizer'), { recursive: true });
    }
    return new TrainingProject(work);
  }

  /** Pretraining with accumulation on packed rows of two sources, router training, and LoRA with dropout. */
  stages(training: readonly string[]): TinyStage[] {
    const rows = ['dataset.data_path=rows.jsonl', 'dataset.subset_ratio=1', 'dataset.max_sequence_length=32'];
    const small = ['training.batch_size=4', 'training.per_device_batch_size=2', 'threads=1', 'telemetry=csv'];
    const more = [...small, ...training];
    const model = [
      ...['hidden_size=16', 'intermediate_size=8', 'num_hidden_layers=2'],
      ...['num_attention_heads=2', 'num_key_value_heads=2'],
    ].map((value) => `model.${value}`);
    return [
      {
        name: 'pretrain',
        overrides: [
          'dataset.data_path=null',
          'dataset.mixture={web: {data_path: data, rate: 3}, code: {data_path: code, rate: 1}}',
          ...['training.evaluate_every=7', ...model, ...more],
        ],
        weights: 'model/model.safetensors',
      },
      {
        name: 'stage_1',
        overrides: ['selector_model.path=model', ...rows, ...more],
        weights: 'full_rank_weights.safetensors',
      },
      {
        name: 'stage_3',
        overrides: ['model_checkpoint_path=model', 'training.lora.lora_dropout=0.2', ...rows, ...more],
        weights: 'adapter/adapter_model.safetensors',
      },
    ];
  }

  /** What Node is started with, before a command's own arguments. */
  get commandLine(): [script: string, root: string] {
    return [entry, this.root];
  }

  /** Starts a command in a process group of its own. */
  start(args: readonly string[], options: Options = {}) {
    const [script, ...first] = this.commandLine;
    return execaNode(script, [...first, ...args], { reject: false, detached: true, ...options });
  }

  /** Folder of the run that began last. */
  get latest(): string {
    const history = new History(this.root);
    return history.folderOf(history.list().at(-1)!);
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** What of a finished run must not depend on how often it was killed on its way, by name. */
export function traceOf(folder: string, { weights }: TinyStage): Record<string, string> {
  const last = readdirSync(join(folder, 'checkpoints'))
    .filter((name) => /^step_\d+$/.test(name))
    .sort((a, b) => Number(b.slice(5)) - Number(a.slice(5)))[0]!;
  const bytes = (path: string) => readFileSync(join(folder, path));
  const metrics = bytes('metrics.jsonl')
    .toString()
    .replaceAll(/,"time".*/g, '');
  const csv = bytes('metrics.csv').toString();
  const figures = csv
    .replaceAll(/^(\d+),[^,]*,/gm, '$1,')
    .replaceAll(/^.*(?:tokens_per_second|mfu),.*\n/gm, '');
  return Object.fromEntries(
    Object.entries({
      weights: bytes(weights),
      state: bytes(`checkpoints/${last}/state.safetensors`),
      metrics,
      csv: figures,
    }).map(([name, content]) => [name, createHash('sha256').update(content).digest('hex')]),
  );
}
