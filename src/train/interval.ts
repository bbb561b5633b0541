/** What an interval has summed up so far: plain data, so that a checkpoint in mid-interval can hold it. */
export interface IntervalSums {
  /** Of each figure, over the steps. */
  sums: Record<string, number>;
  steps: number;
  tokens: number;
  seconds: number;
  /** Floating-point work. */
  flops: number;
}

/** Figures of a whole interval. */
export interface IntervalFigures {
  means: Record<string, number>;
  tokensPerSecond: number;
  mfu: number;
}

const nothing: IntervalSums = { sums: {}, steps: 0, tokens: 0, seconds: 0, flops: 0 };

/** Means, token rate and MFU since the last logged step. */
export class Interval {
  #sums: IntervalSums;
  #best = 0;
  #clock = performance.now();

  constructor(sums: IntervalSums = nothing) {
    this.#sums = structuredClone(sums);
  }

  state(): IntervalSums {
    return structuredClone(this.#sums);
  }

  add(values: Record<string, number>, tokens: number, flops: number): void {
    const { sums } = this.#sums;
    for (const [name, value] of Object.entries(values)) sums[name] = (sums[name] ?? 0) + value;
    this.#sums.steps += 1;
    this.#sums.tokens += tokens;
    this.#sums.flops += flops;
    this.#sums.seconds += (performance.now() - this.#clock) / 1000;
    this.#clock = performance.now();
  }

  rate(): number {
    const { tokens, seconds } = this.#sums;
    return seconds > 0 ? tokens / seconds : 0;
  }

  // Training faster than the measured peak shows that the measurement was disturbed: its rate is the peak from then on.
  mfu(peak: number): number {
    const { flops, seconds } = this.#sums;
    if (seconds === 0) return 0;
    const rate = flops / seconds;
    this.#best = Math.max(this.#best, peak, rate);
    return rate / this.#best;
  }

  close(peak: number): IntervalFigures {
    const { sums, steps } = this.#sums;
    const means = Object.fromEntries(
      Object.entries(sums).map(([name, sum]) => [name, sum / Math.max(1, steps)]),
    );
    const figures = { means, tokensPerSecond: this.rate(), mfu: this.mfu(peak) };
    this.#sums = structuredClone(nothing);
    return figures;
  }

  /** Leaves out what was not training: evaluation, saving. */
  restartClock(): void {
    this.#clock = performance.now();
  }
}
