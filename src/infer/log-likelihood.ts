import type { Executable, Session } from '../engine/index.js';
import { SluiceError } from '../errors.js';
import { Graph } from '../graph/index.js';
import { type Adapter, batchInputs, lmLoss, type Model } from '../models/index.js';
import { compileForInference } from './compile.js';
import { bucketLength } from './prompt-batch.js';

/** Score of one sequence: for each token after the first, its negative log-likelihood and whether greedy finds it. */
export interface TokenScores {
  /** Nats; `nll[i]` is of token i+1 given tokens 0..i. */
  readonly nll: Float32Array;
  /** 1 where the token is the most likely one. */
  readonly greedy: Float32Array;
}

/** Scores sequences in batches of like length; at most `batchTokens` tokens, padding included, run at once. */
export class Scorer {
  readonly #model: Model;
  readonly #session: Session;
  readonly #options: { threads: number; adapter?: Adapter | null; batchTokens?: number };
  readonly #executables = new Map<string, Executable>();

  constructor(
    model: Model,
    session: Session,
    options: { threads: number; adapter?: Adapter | null; batchTokens?: number },
  ) {
    this.#model = model;
    this.#session = session;
    this.#options = options;
  }

  /** Throws `score.length` for a sequence longer than the model allows. The order of results is that of the input. */
  async score(
    sequences: readonly (readonly number[])[],
    options: { signal?: AbortSignal; onProgress?: (done: number) => void } = {},
  ): Promise<TokenScores[]> {
    const limit = this.#model.maxLength ?? Number.POSITIVE_INFINITY;
    sequences.forEach((ids, row) => {
      if (ids.length > limit) {
        throw new SluiceError(
          'score.length',
          `sequence ${row} has ${ids.length} tokens, the model allows ${limit}`,
        );
      }
    });
    const results = new Array<TokenScores>(sequences.length);
    let done = 0;
    for (const { rows, length } of this.#batches(sequences, limit)) {
      if (options.signal?.aborted) throw new SluiceError('interrupted', 'scoring was interrupted');
      const scores = await this.#run(
        rows.map((row) => sequences[row]!),
        length,
      );
      rows.forEach((row, index) => {
        results[row] = scores[index]!;
      });
      options.onProgress?.((done += rows.length));
    }
    return results;
  }

  /** Rows of one bucket together, longest first, so that the largest program's memory is known at once. */
  #batches(sequences: readonly (readonly number[])[], limit: number): { rows: number[]; length: number }[] {
    const byLength = new Map<number, number[]>();
    sequences.forEach((ids, row) => {
      const length = bucketLength(Math.max(ids.length, 2), limit);
      byLength.set(length, [...(byLength.get(length) ?? []), row]);
    });
    const batches: { rows: number[]; length: number }[] = [];
    for (const [length, rows] of [...byLength].sort((a, b) => b[0] - a[0])) {
      const perBatch = Math.max(1, Math.floor((this.#options.batchTokens ?? 2048) / length));
      for (let i = 0; i < rows.length; i += perBatch)
        batches.push({ rows: rows.slice(i, i + perBatch), length });
    }
    return batches;
  }

  async #run(sequences: readonly (readonly number[])[], length: number): Promise<TokenScores[]> {
    const rows = sequences.length;
    const inputs = {
      input_ids: new Int32Array(rows * length),
      segment_ids: new Int32Array(rows * length),
      positions: new Int32Array(rows * length),
      labels: new Int32Array(rows * length).fill(-100),
    };
    sequences.forEach((ids, row) => {
      const first = row * length;
      inputs.input_ids.set(ids, first);
      inputs.segment_ids.fill(1, first, first + ids.length);
      for (let t = 0; t < ids.length; t++) inputs.positions[first + t] = t;
      inputs.labels.set(ids.slice(1), first);
    });
    const executable = this.#executable(rows, length);
    const { nll, greedy } = await executable.runWith(inputs);
    return sequences.map((ids, row) => {
      const [from, to] = [row * length, row * length + Math.max(ids.length - 1, 0)];
      return { nll: (nll as Float32Array).slice(from, to), greedy: (greedy as Float32Array).slice(from, to) };
    });
  }

  #executable(rows: number, length: number): Executable {
    const key = `${rows}x${length}`;
    let executable = this.#executables.get(key);
    if (!executable) {
      const graph = new Graph();
      const output = this.#model.forward(batchInputs(graph, rows, length), {
        adapter: this.#options.adapter,
      });
      const { perToken, correct } = lmLoss(output, graph.input('labels', 'i32', [rows, length]));
      graph.output('nll', perToken);
      graph.output('greedy', correct);
      executable = this.#session.load(compileForInference(graph, this.#options.threads));
      this.#executables.set(key, executable);
    }
    return executable;
  }
}
