import type { ProgressEvent } from '../../telemetry/event.js';
import type { Display } from './display.js';
import { clock, progressText } from './progress-text.js';

// Often enough to follow, seldom enough to read in a log afterwards.
const secondsBetweenLines = 2;

/** A line per event; progress at most every two seconds, but always the first and the last of a phase. */
export function openPlainLines(stream: NodeJS.WritableStream): Display {
  const print = (step: string, text: string) => stream.write(`[${step}] ${text}\n`);
  let shown: { phase: string; at: number } | undefined;
  let held: ProgressEvent | undefined;

  const flush = (step: string) => {
    if (held !== undefined) print(step, progressText(held));
    held = undefined;
  };
  const progress = (step: string, event: ProgressEvent) => {
    if (event.phase !== shown?.phase) flush(step);
    const now = performance.now() / 1000;
    held = event;
    if (event.phase === shown?.phase && now - shown.at < secondsBetweenLines) return;
    flush(step);
    shown = { phase: event.phase, at: now };
  };

  return {
    started(step, folder) {
      shown = held = undefined;
      print(step, `started in ${folder}`);
    },
    event(step, event) {
      if (event.type === 'progress') progress(step, event);
      if (event.type === 'log') print(step, mark(event.level) + event.text);
    },
    note: (text) => void stream.write(`${text}\n`),
    ended(step, status, seconds) {
      flush(step);
      print(step, `${status} after ${clock(seconds)}`);
    },
    close: async () => {},
  };
}

const mark = (level: string) => (level === 'info' ? '' : `${level}: `);
