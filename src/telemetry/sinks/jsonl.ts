import { join } from 'node:path';
import type { MetricsEvent } from '../event.js';
import { nameNonFinite } from '../non-finite.js';
import { AppendFile } from './append-file.js';

/**
 * metrics.jsonl, one object per logged step:
 * `{"step":1,"train/loss":4.2,"time":"2026-01-31T12:00:00.000Z","train/mfu":0.5}`. What a clock made stands last, from
 * `time` on; what stands before it is the same in every run of a config, so that lines of two runs can be compared.
 * JSON has no NaN or infinity: they are written as the strings "NaN", "Infinity" and "-Infinity".
 */
export function openJsonlSink(runDirectory: string) {
  const file = new AppendFile(join(runDirectory, 'metrics.jsonl'));
  return {
    write(event: MetricsEvent, seconds: number): void {
      const time = new Date(seconds * 1000).toISOString();
      const { step, values, measured = [] } = event;
      const isMeasured = ([name]: [string, number]) => measured.includes(name);
      const entries = Object.entries(values);
      const line = {
        step,
        ...Object.fromEntries(entries.filter((entry) => !isMeasured(entry))),
        time,
        ...Object.fromEntries(entries.filter(isMeasured)),
      };
      file.write(`${JSON.stringify(line, nameNonFinite)}\n`);
    },
    close: () => file.close(),
  };
}
