import { join } from 'node:path';
import { AppendFile } from './append-file.js';
import type { OpenSink } from './sink.js';

/**
 * metrics.jsonl, one object per logged step: `{"step":1,"time":"2026-01-31T12:00:00.000Z","train/loss":4.2}`.
 * JSON has no NaN or infinity: they are written as the strings "NaN", "Infinity" and "-Infinity".
 */
export const openJsonlSink: OpenSink = (runDirectory) => {
  const file = new AppendFile(join(runDirectory, 'metrics.jsonl'));
  return {
    write(event, seconds) {
      const time = new Date(seconds * 1000).toISOString();
      file.write(`${JSON.stringify({ step: event.step, time, ...event.values }, nameNonFinite)}\n`);
    },
    close: () => file.close(),
  };
};

const nameNonFinite = (_: string, value: unknown) =>
  typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
