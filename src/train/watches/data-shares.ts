import type { Batch } from '../../data/index.js';
import type { BatchSource } from '../batch.js';
import type { StepTaken, Watch, WatchHost } from './watch.js';

interface Seen {
  tokens: number;
  /** Rows of the batches; one that is cut shorter counts in parts. */
  rows: number;
}

/** How much of a mixture's sources a run has seen: shares of tokens as figures `data/<source>`, and the fact `data_seen`. */
export class DataShares implements Watch {
  readonly name = 'data_shares';
  readonly #data: BatchSource;
  readonly #sources: readonly { name: string; rows: number }[];
  readonly #host: WatchHost;
  #seen: Record<string, Seen> = {};

  constructor(data: BatchSource, sources: readonly { name: string; rows: number }[], host: WatchHost) {
    this.#data = data;
    this.#sources = sources;
    this.#host = host;
    for (const { name } of sources) this.#seen[name] = { tokens: 0, rows: 0 };
  }

  afterStep({ batch }: StepTaken): void {
    batch.rows.forEach((row, i) => {
      const seen = this.#seen[this.#data.sourceOf!(row)]!;
      seen.tokens += tokensOf(batch, i);
      seen.rows += batch.length / this.#data.length;
    });
  }

  figures(): Record<string, number> {
    return Object.fromEntries(this.#sources.map(({ name }) => [`data/${name}`, this.#shareOf(name)]));
  }

  finish(): void {
    const facts = this.#sources.map(({ name, rows }) => {
      const seen = this.#seen[name]!;
      return [name, { tokens: seen.tokens, share: this.#shareOf(name), epochs: seen.rows / rows }];
    });
    this.#host.addFact('data_seen', Object.fromEntries(facts));
  }

  state(): Record<string, Seen> {
    return structuredClone(this.#seen);
  }

  /** Sources that are new, in a run that is extended with other data, begin at nothing. */
  restore(state: unknown): void {
    const seen = state as Record<string, Seen>;
    for (const { name } of this.#sources) this.#seen[name] = { ...(seen[name] ?? { tokens: 0, rows: 0 }) };
  }

  #shareOf(name: string): number {
    const all = Object.values(this.#seen).reduce((sum, { tokens }) => sum + tokens, 0);
    return this.#seen[name]!.tokens / all;
  }
}

function tokensOf({ segmentIds, length }: Batch, row: number): number {
  let tokens = 0;
  for (let t = row * length; t < (row + 1) * length; t += 1) if (segmentIds[t] !== 0) tokens += 1;
  return tokens;
}
