import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MetricsSink, OpenSink } from '../sinks/sink.js';
import type { RunEnd } from './run-info.js';
import { later, type SendJob } from './send-loop.js';
import type { FromSender, ToSender } from './sender.js';

export interface ExportOptions {
  /** The most that the end of a run waits for what is not sent yet. */
  flush_seconds?: number;
  /** Between two sendings. */
  interval_seconds?: number;
}

/**
 * A sink that sends to the tracking server `name` (of trackers.ts) while the run goes on, from a process of its own: nothing
 * that takes long there, not even the system's look-up of a name, holds up a run or the end of this process. It holds no
 * metrics: metrics.jsonl does. It never throws, and only the end of a run waits for it, `flush_seconds` at most.
 */
export function liveExport(name: string, options: ExportOptions): OpenSink {
  const { flush_seconds = 10, interval_seconds = 5 } = options;
  return (folder, _, warn = () => {}) =>
    new LiveExport({ folder, name, options, intervalSeconds: interval_seconds }, flush_seconds, warn);
}

class LiveExport implements MetricsSink {
  private readonly flushSeconds: number;
  private readonly warn: (text: string) => void;
  private readonly sender: ChildProcess;
  /** Settled when the sender has no more to do, or is no more. */
  private readonly over: Promise<unknown>;
  private done = false;

  constructor(job: SendJob, flushSeconds: number, warn: (text: string) => void) {
    this.flushSeconds = flushSeconds;
    this.warn = warn;
    this.sender = fork(new URL('./sender.js', import.meta.url), {
      detached: true, // Ctrl-C in a terminal is for the run
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: [],
    });
    this.over = once(this.sender, 'disconnect').catch((error: Error) => error); // `error`: it could not be started
    this.sender.on('error', () => {}); // told by `over`
    this.sender.on('message', (message: FromSender) => {
      if (message === 'done') this.done = true;
      else this.warn(message.warning);
    });
    this.tell({ job });
    // A run that breaks off does not wait for it.
    this.sender.unref();
    this.sender.channel?.unref();
  }

  // It reads metrics.jsonl by itself.
  write(): void {}

  async close(end: RunEnd, stop = new AbortController().signal): Promise<void> {
    this.tell({ end });
    const answered = new AbortController();
    const signal = AbortSignal.any([stop, answered.signal]);
    const limit = sleep(1000 * this.flushSeconds, undefined, { signal }).catch(() => {});
    const error = await Promise.race([this.over, limit]);
    answered.abort();
    if (!this.done) this.warn(`not all was sent: ${this.reason(error, stop)}; ${later}`);
    this.sender.kill('SIGKILL');
  }

  private reason(error: unknown, stop: AbortSignal): string {
    if (error instanceof Error) return `its process could not be started: ${error.message}`;
    if (!this.sender.connected) return 'its process ended before that';
    return stop.aborted ? 'told not to wait' : `no answer within ${this.flushSeconds} s`;
  }

  private tell(message: ToSender): void {
    if (this.sender.connected) this.sender.send(message, () => {}); // one that ends meanwhile needs it no more
  }
}
