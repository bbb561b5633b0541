import type { ProgressEvent } from '../../telemetry/event.js';
import type { Display } from './display.js';
import { clock, progressText, skippedText } from './progress-text.js';

// Often enough to follow, seldom enough to read in a log afterwards.
const secondsBetweenLines = 2;

/** A line per event; progress at most every two seconds, but always the first and the last of a phase. */
export function openPlainLines(stream: NodeJS.WritableStream): Display {
  const print = (step: string, text: string) => stream.write(`[${step}] ${text}\n`);
  const shown = new Map<string, { phase: string; at: number }>();
  const held = new Map<string, ProgressEvent>();

  const flush = (step: string) => {
    const event = held.get(step);
    if (event !== undefined) print(step, progressText(event));
    held.delete(step);
  };
  const progress = (step: string, event: ProgressEvent) => {
    const { phase } = event;
    const before = shown.get(step);
    if (phase !== before?.phase) flush(step);
    const now = performance.now() / 1000;
    held.set(step, event);
    if (phase === before?.phase && now - before.at < secondsBetweenLines) return;
    flush(step);
    shown.set(step, { phase, at: now });
  };

  return {
    started(step, folder) {
      shown.delete(step);
      held.delete(step);
      print(step, `started in ${folder}`);
    },
    event(step, event) {
      if (event.type === 'progress') progress(step, event);
      if (event.type !== 'log') return;
      flush(step); // what came first stands first
      print(step, mark(event.level) + event.text);
    },
    note: (text) => void stream.write(`${text}\n`),
    ended(step, status, seconds, detail) {
      flush(step);
      print(step, `${status} after ${clock(seconds)}${detail === undefined ? '' : `  ${detail}`}`);
    },
    skipped: (step, reason, folder) => void print(step, skippedText(reason, folder)),
    close: async () => {},
  };
}

const mark = (level: string) => (level === 'info' ? '' : `${level}: `);
