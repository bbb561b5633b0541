import type { Executable, Session } from '../engine/index.js';
import { SluiceError } from '../errors.js';
import type { Adapter, Model } from '../models/index.js';
import { generationProgram } from './generation-program.js';
import { bucketLength, encoderInputs, rightPad } from './prompt-batch.js';
import { type SamplingOptions, sample } from './sampler.js';
import { weightBytes } from './weight-bytes.js';

export interface GenerateOptions extends SamplingOptions {
  readonly maxNewTokens: number;
  /** Number of the first prompt among all that are generated for: what a row draws follows from it. Default 0. */
  readonly firstRow?: number;
  /** Ids that end a row; the id itself is not returned. */
  readonly stopIds?: readonly number[];
  /** Ends a row when true for its new ids: stop strings are checked here. */
  readonly stopWhen?: (newIds: readonly number[]) => boolean | Promise<boolean>;
  readonly signal?: AbortSignal;
  /** Called after every step with the number of rows that go on, and the new ids of each row. */
  readonly onStep?: (step: number, open: number, ids: readonly (readonly number[])[]) => void | Promise<void>;
  /** Called with the logits [rows, V] of every step before a token is chosen. */
  readonly onLogits?: (step: number, logits: Float32Array) => void;
}

export interface Generation {
  /** New ids of each prompt. */
  readonly ids: number[][];
  /** Time inside the engine. */
  readonly prefillSeconds: number;
  readonly decodeSeconds: number;
  /** New tokens per second of wall time: prefill, decoding and sampling; compiling is not in it. */
  readonly tokensPerSecond: number;
  /** That wall time. */
  readonly seconds: number;
  /** Runs of the decode program, and the bytes of weights that each reads for all rows together. */
  readonly decodeSteps: number;
  readonly stepBytes: number;
}

interface Programs {
  readonly prefill: Executable;
  readonly decode: Executable;
  readonly cacheStates: readonly string[];
}

/** Generates with a model whose weights are in the session: a prefill and a decode program over one key-value cache. */
export class Generator {
  readonly #model: Model;
  readonly #session: Session;
  readonly #threads: number;
  readonly #adapter: Adapter | null;
  readonly #programs = new Map<string, Programs>();

  constructor(model: Model, session: Session, options: { threads: number; adapter?: Adapter | null }) {
    this.#model = model;
    this.#session = session;
    this.#threads = options.threads;
    this.#adapter = options.adapter ?? null;
  }

  /**
   * Continues every prompt. Throws `generate.prompt` for an empty prompt or one that leaves no room for new tokens.
   * Tokens of a row do not depend on the other rows.
   */
  async generate(prompts: readonly (readonly number[])[], options: GenerateOptions): Promise<Generation> {
    if (!this.#model.hasEncoder) return this.#continue(prompts, {}, null, options);
    // an encoder reads the prompts, right-padded; the decoder begins with its start token
    const length = bucketLength(prompts.reduce((longest, prompt) => Math.max(longest, prompt.length), 0));
    const start = prompts.map(() => [this.#model.architecture.decoderStart!]);
    return this.#continue(start, encoderInputs(prompts, length), length, options);
  }

  async #continue(
    prompts: readonly (readonly number[])[],
    encoder: Readonly<Record<string, Int32Array>>,
    encoderLength: number | null,
    options: GenerateOptions,
  ): Promise<Generation> {
    const { maxNewTokens, firstRow = 0, stopIds = [], signal } = options;
    const longest = this.#checkPrompts(prompts, maxNewTokens);
    const length = bucketLength(longest, this.#limit() - maxNewTokens);
    const capacity = bucketLength(length + maxNewTokens, this.#limit());
    const rows = prompts.length;
    const { prefill, decode } = this.#programsFor(rows, length, capacity, encoderLength);

    // every row begins at index 0 of the cache, so that nothing of it depends on the length of the others
    const batch = rightPad(prompts, length);
    const keySegments = new Int32Array(rows * capacity);
    for (const [row, prompt] of prompts.entries())
      keySegments.fill(1, row * capacity, row * capacity + prompt.length);
    const ids: number[][] = prompts.map(() => []);
    const done = new Array<boolean>(rows).fill(false);
    let decodeSeconds = 0;
    let decodeSteps = 0;
    const started = performance.now();
    const penalizes = (options.repetitionPenalty ?? 1) !== 1;
    let { logits } = await prefill.runWith({
      input_ids: batch.inputIds,
      segment_ids: batch.segmentIds,
      positions: batch.positions,
      key_segments: keySegments,
      start: new Int32Array(encoderLength === null ? rows : 1),
      last: Int32Array.from(prompts, (prompt, row) => row * length + prompt.length - 1),
      ...encoder,
    });
    const prefillSeconds = prefill.lastSeconds;
    const vocabulary = logits!.length / rows;
    for (let step = 0; ; step++) {
      options.onLogits?.(step, logits as Float32Array);
      const next = new Int32Array(rows);
      for (let row = 0; row < rows; row++) {
        const rowLogits = (logits as Float32Array).subarray(row * vocabulary, (row + 1) * vocabulary);
        const seen = penalizes ? [...prompts[row]!, ...ids[row]!] : [];
        next[row] = sample(rowLogits, options, seen, { row: firstRow + row, step });
        if (done[row]) continue;
        done[row] = stopIds.includes(next[row]!);
        if (!done[row]) ids[row]!.push(next[row]!);
        if (!done[row] && options.stopWhen) done[row] = await options.stopWhen(ids[row]!);
      }
      await options.onStep?.(step, done.filter((ended) => !ended).length, ids);
      if (step + 1 >= maxNewTokens || done.every(Boolean)) break;
      if (signal?.aborted) throw new SluiceError('interrupted', 'generation was interrupted');
      const places = Int32Array.from(prompts, (prompt) => prompt.length + step);
      places.forEach((place, row) => {
        keySegments[row * capacity + place] = 1;
      });
      ({ logits } = await decode.runWith({
        input_ids: next,
        segment_ids: new Int32Array(rows).fill(1),
        positions: places,
        key_segments: keySegments,
        start: encoderLength === null ? places : places.subarray(0, 1), // one start token for all
        ...encoder,
      }));
      decodeSeconds += decode.lastSeconds;
      decodeSteps++;
    }
    const count = ids.reduce((sum, row) => sum + row.length, 0);
    const seconds = (performance.now() - started) / 1000;
    return {
      ids,
      prefillSeconds,
      decodeSeconds,
      tokensPerSecond: count / seconds,
      seconds,
      decodeSteps,
      stepBytes: weightBytes(decode.program),
    };
  }

  /** Frees the caches. Weights stay in the session. */
  close(): void {
    for (const { cacheStates } of this.#programs.values())
      for (const name of cacheStates) this.#session.dropState(name);
    this.#programs.clear();
  }

  #limit(): number {
    return this.#model.maxLength ?? Number.POSITIVE_INFINITY;
  }

  #checkPrompts(prompts: readonly (readonly number[])[], maxNewTokens: number): number {
    const limit = this.#limit();
    prompts.forEach((prompt, row) => {
      if (prompt.length === 0) {
        throw new SluiceError('generate.prompt', `prompt ${row} is empty`, {
          hint: 'give at least the begin token',
        });
      }
      if (prompt.length + maxNewTokens > limit) {
        throw new SluiceError(
          'generate.prompt',
          `prompt ${row} has ${prompt.length} tokens; with max_new_tokens=${maxNewTokens} that is more than the model's ${limit}`,
          { hint: `max_new_tokens=${Math.max(limit - prompt.length, 0)} fits` },
        );
      }
    });
    return prompts.reduce((longest, prompt) => Math.max(longest, prompt.length), 0);
  }

  #programsFor(rows: number, length: number, capacity: number, encoderLength: number | null): Programs {
    const key = `${rows}x${length}x${capacity}x${encoderLength}`;
    let programs = this.#programs.get(key);
    if (!programs) {
      this.close(); // one cache at a time: batches of one shape follow each other
      programs = this.#compile(rows, length, capacity, encoderLength);
      this.#programs.set(key, programs);
    }
    return programs;
  }

  #compile(rows: number, length: number, capacity: number, encoderLength: number | null): Programs {
    const program = (tokens: number, encodes: boolean) =>
      generationProgram(
        this.#model,
        this.#adapter,
        { rows, length: tokens, capacity, encoderLength, encodes },
        this.#threads,
      );
    const prefill = program(length, true);
    const decode = program(1, false);
    const caches = decode.states.filter(({ name }) => name.startsWith('cache.'));
    for (const { name, shape } of caches) this.#session.setState(name, 'f32', shape, null);
    return {
      prefill: this.#session.load(prefill),
      decode: this.#session.load(decode),
      cacheStates: caches.map(({ name }) => name),
    };
  }
}
