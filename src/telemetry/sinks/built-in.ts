import type { OpenSink } from './sink.js';

interface SinkEntry {
  load(): Promise<(options: object) => OpenSink>;
  options: Readonly<Record<string, object>>;
}

const text = { type: 'string', minLength: 1 };
const textOrNull = { type: ['string', 'null'], minLength: 1 };
const exportOptions = {
  flush_seconds: { type: 'number', minimum: 0, description: 'The most that the end of a run waits for it.' },
  interval_seconds: { type: 'number', exclusiveMinimum: 0, description: 'Between two sendings.' },
};

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
  mlflow: {
    load: () => sends('mlflow'),
    options: { tracking_uri: textOrNull, experiment: text, run_name: textOrNull, ...exportOptions },
  },
  wandb: {
    load: () => sends('wandb'),
    options: {
      base_url: textOrNull,
      project: text,
      entity: textOrNull,
      group: textOrNull,
      run_name: textOrNull,
      ...exportOptions,
    },
  },
};

async function sends(name: string): Promise<(options: object) => OpenSink> {
  const { liveExport } = await import('../export/live-export.js');
  return (options) => liveExport(name, options);
}
