import { setTimeout as sleep } from 'node:timers/promises';
import type { MetricsSink, OpenSink } from '../sinks/sink.js';
import type { RunEnd } from './run-info.js';
import { sendRun } from './send-run.js';
import { ExportProblem, type Tracker } from './tracker.js';

export interface ExportOptions {
  /** The most that the end of a run waits for what is not sent yet. */
  flush_seconds?: number;
  /** Between two sendings. */
  interval_seconds?: number;
}

const longestPause = 120_000;

/**
 * A sink that sends to a tracking server while the run goes on. It holds no metrics: metrics.jsonl does, and each sending
 * takes a piece of what is new there, so that memory is bounded and nothing is lost while the server is away. It never
 * throws and never makes a run wait, but for `flush_seconds` at its end. What went wrong is told once.
 */
export function liveExport(name: string, tracker: Tracker, options: ExportOptions = {}): OpenSink {
  return (folder, _, warn = () => {}) => new LiveExport(folder, name, tracker, options, warn);
}

class LiveExport implements MetricsSink {
  private readonly folder: string;
  private readonly name: string;
  private readonly tracker: Tracker;
  private readonly flushMilliseconds: number;
  private readonly interval: number;
  private readonly warn: (text: string) => void;
  private readonly stop = new AbortController();
  private sending: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private failures = 0;
  private refused = false;
  private warned = false;

  constructor(
    folder: string,
    name: string,
    tracker: Tracker,
    options: ExportOptions,
    warn: (text: string) => void,
  ) {
    this.folder = folder;
    this.name = name;
    this.tracker = tracker;
    this.flushMilliseconds = 1000 * (options.flush_seconds ?? 10);
    this.interval = 1000 * (options.interval_seconds ?? 5);
    this.warn = warn;
    this.sendIn(0); // the server shows the run from its start on
  }

  write(): void {
    this.sendIn(this.interval);
  }

  async close(end?: RunEnd): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const limit = AbortSignal.timeout(this.flushMilliseconds);
    const abort = () => this.stop.abort();
    limit.addEventListener('abort', abort);
    const finish = async () => {
      await this.sending;
      if (!this.refused) await this.attempt(end ?? null, true);
    };
    // A request that does not heed its signal is left behind.
    await Promise.race([finish(), sleep(this.flushMilliseconds + 500, undefined, { ref: true })]);
    limit.removeEventListener('abort', abort);
    this.stop.abort();
  }

  private sendIn(milliseconds: number): void {
    if (this.timer !== undefined || this.sending !== undefined || this.refused || this.stop.signal.aborted)
      return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.sending = this.attempt(null, false).finally(() => {
        this.sending = undefined;
      });
    }, milliseconds).unref();
  }

  private async attempt(end: RunEnd | null, isLast: boolean): Promise<void> {
    try {
      await sendRun(this.folder, this.name, this.tracker, end, this.stop.signal);
      this.failures = 0;
    } catch (error) {
      this.failures++;
      const passing = error instanceof ExportProblem && error.isPassing;
      this.refused = !passing;
      this.tell(error, isLast);
      const pause = this.pause(error);
      // After this promise is settled: until then it is still sending.
      if (!isLast && passing) setImmediate(() => this.sendIn(pause));
    }
  }

  // 2, 4, 8 … intervals, and a part of it by chance, so that many runs do not come back at once.
  private pause(error: unknown): number {
    const asked = 1000 * ((error instanceof ExportProblem ? error.retryAfterSeconds : undefined) ?? 0);
    const grown = this.interval * 2 ** Math.min(this.failures, 10) * (0.75 + Math.random() / 2);
    return Math.min(longestPause, Math.max(asked, grown));
  }

  private tell(error: unknown, isLast: boolean): void {
    if (this.warned && !isLast) return;
    const message = error instanceof Error ? error.message : String(error);
    const later = './run runs export sends later what is missing';
    if (isLast) this.warn(`not all was sent: ${message}; ${later}`);
    else this.warn(`${message}; the run goes on, ${this.refused ? later : 'and sending is tried again'}`);
    this.warned = true;
  }
}
