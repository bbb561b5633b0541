import type { OpenSink } from './sink.js';

interface SinkEntry {
  load(): Promise<() => OpenSink>;
  options: Readonly<Record<string, object>>;
}

/** Sinks by the names of `telemetry.sinks`. metrics.jsonl needs none of them: it is always written. */
export const builtInSinks: Readonly<Record<string, SinkEntry>> = {
  tensorboard: {
    load: async () => {
      const { openTensorboardSink } = await import('./tensorboard.js');
      return () => openTensorboardSink;
    },
    options: {},
  },
  csv: {
    load: async () => {
      const { openCsvSink } = await import('./csv.js');
      return () => openCsvSink;
    },
    options: {},
  },
};
