import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AppendFile } from './append-file.js';
import type { OpenSink } from './sink.js';

/**
 * metrics.csv, a line per value: `step,time,metric,value`. Long form, because a run may log new names at any step.
 * Numbers that are not finite are NaN, Infinity and -Infinity.
 */
export const openCsvSink: OpenSink = (runDirectory) => {
  const path = join(runDirectory, 'metrics.csv');
  const file = new AppendFile(path);
  if (!existsSync(path) || statSync(path).size === 0) file.write('step,time,metric,value\n');
  return {
    write({ step, values }, seconds) {
      const time = new Date(seconds * 1000).toISOString();
      const lines = Object.entries(values).map(
        ([name, value]) => `${step},${time},${quoted(name)},${value}\n`,
      );
      file.write(lines.join(''));
    },
    close: () => file.close(),
  };
};

const quoted = (name: string) => (/[",\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name);
