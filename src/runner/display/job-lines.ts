import type { TelemetryEvent } from '../../telemetry/event.js';
import type { Display, EndStatus } from './display.js';
import { clock, progressText } from './progress-text.js';

interface RunningJob {
  since: number;
  /** What it does now: its progress, or its last line. */
  doing: string;
}

const milliseconds = 100;
const colors = { done: 32, failed: 31, interrupted: 33, pruned: 36 } as const satisfies Record<
  EndStatus,
  number
>;
const marks = { done: '✔', failed: '✖', interrupted: '■', pruned: '↓' } as const satisfies Record<
  EndStatus,
  string
>;

/**
 * The jobs of a sweep on a terminal. A job that has ended is a line that stays; below them a table of those that run is
 * drawn again ten times a second, with a line that counts all.
 */
export function openJobLines(stream: NodeJS.WriteStream): Display {
  const lines = new JobLines(stream);
  return {
    waiting: (jobs) => lines.waiting(jobs),
    started: (step, folder) => lines.started(step, folder),
    event: (step, event) => lines.event(step, event),
    note: (text) => lines.stay(text),
    ended: (step, status, seconds, detail) => lines.ended(step, status, seconds, detail),
    close: async () => lines.close(),
  };
}

class JobLines {
  private readonly stream: NodeJS.WriteStream;
  private readonly running = new Map<string, RunningJob>();
  private readonly ends = new Map<EndStatus, number>();
  private readonly since = performance.now();
  private readonly timer: NodeJS.Timeout;
  private waitingJobs = 0;
  /** Lines of the table that stand below the cursor's place. */
  private drawn = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.stream = stream;
    this.timer = setInterval(() => this.draw(''), milliseconds);
    this.timer.unref();
  }

  waiting(jobs: number): void {
    this.waitingJobs = jobs;
  }

  started(step: string, folder: string): void {
    this.running.set(step, { since: performance.now(), doing: folder });
  }

  event(step: string, event: TelemetryEvent): void {
    const job = this.running.get(step);
    if (job !== undefined && event.type === 'progress') job.doing = progressText(event);
    if (event.type !== 'log') return;
    if (event.level === 'warning' || event.level === 'error')
      this.stay(`[${step}] ${event.level}: ${event.text}`);
    else if (job !== undefined && event.level === 'info') job.doing = event.text;
  }

  /** A line that stays. */
  stay(text: string): void {
    this.draw(`${text}\n`);
  }

  ended(step: string, status: EndStatus, seconds: number, detail = ''): void {
    this.running.delete(step);
    this.ends.set(status, (this.ends.get(status) ?? 0) + 1);
    const mark = this.colored(marks[status], colors[status]);
    const parts = [status === 'done' ? clock(seconds) : `${status} after ${clock(seconds)}`, detail];
    this.stay(`${mark} ${step}  ${parts.filter(Boolean).join('  ')}`);
  }

  close(): void {
    clearInterval(this.timer);
    this.running.clear();
    this.draw('', true);
  }

  /** Writes text that stays, and the table below it again. */
  private draw(text: string, isLast = false): void {
    const lines = isLast ? [] : this.table();
    const up = this.drawn === 0 ? '' : `\u001b[${this.drawn}A`;
    this.drawn = lines.length;
    this.stream.write(`${up}\r\u001b[J${text}${lines.map((line) => `${line}\n`).join('')}`);
  }

  private table(): string[] {
    const now = performance.now();
    const room = Math.max(1, (this.stream.rows || 24) - 3);
    const width = Math.max(0, ...[...this.running.keys()].map((step) => step.length));
    const jobs = [...this.running].map(
      ([step, { since, doing }]) => `▸ ${step.padEnd(width)}  ${clock((now - since) / 1000)}  ${doing}`,
    );
    const shown =
      jobs.length <= room ? jobs : [...jobs.slice(0, room - 1), `  and ${jobs.length - room + 1} more`];
    const counts = [
      ...this.ends,
      ['running', this.running.size] as const,
      ['queued', this.waitingJobs] as const,
    ];
    const sum = counts.filter(([, count]) => count > 0).map(([what, count]) => `${count} ${what}`);
    return [...shown, `${sum.join(', ')}  ${clock((now - this.since) / 1000)}`].map((line) => this.cut(line));
  }

  // A line that wraps would be two, and the next drawing would go up too little.
  private cut(line: string): string {
    const width = (this.stream.columns || 80) - 1;
    const flat = line.replace(/\s*\n\s*/g, ' ');
    return flat.length <= width ? flat : `${flat.slice(0, width - 1)}…`;
  }

  private colored(text: string, color: number): string {
    return this.stream.hasColors?.() ? `\u001b[${color}m${text}\u001b[39m` : text;
  }
}
