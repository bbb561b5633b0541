import type { LogEvent, TelemetryEvent } from '../../telemetry/event.js';

/** What a person (or a program) sees while stages run. Everything goes to standard error: standard output is the result's. */
export interface Display {
  /** Of the `steps` given when the display was opened, in any order and several at once. */
  started(step: string, folder: string): void;
  event(step: string, event: TelemetryEvent): void;
  /** A line of the runner itself: an interrupt was heard, a folder was taken. */
  note(text: string, level?: LogEvent['level']): void;
  /** `detail` is what came of it, in a few words. */
  ended(step: string, status: EndStatus, seconds: number, detail?: string): void;
  /** How many jobs of a sweep wait for their turn. */
  waiting?(jobs: number): void;
  /** A step of a pipeline that is not run: with the folder of the earlier run that stands for it, or without one. */
  skipped?(step: string, reason: string, folder?: string): void;
  close(): Promise<void>;
}

/** `pruned`: a job of a sweep that was ended because others do better. */
export type EndStatus = 'done' | 'failed' | 'interrupted' | 'pruned';

export type LogFormat = 'auto' | 'plain' | 'json';

/**
 * `auto`: a live tree on a terminal, or a table of the running jobs of a sweep, whose steps nobody knows ahead; plain
 * lines elsewhere. Loads only what it shows with.
 */
export async function openDisplay(
  format: LogFormat,
  steps: string[] | 'jobs',
  stream: NodeJS.WriteStream,
): Promise<Display> {
  if (format === 'json') return (await import('./json-lines.js')).openJsonLines(stream);
  if (format === 'auto' && stream.isTTY) {
    if (steps === 'jobs') return (await import('./job-lines.js')).openJobLines(stream);
    return (await import('./tree.js')).openTree(steps, stream);
  }
  return (await import('./plain-lines.js')).openPlainLines(stream);
}
