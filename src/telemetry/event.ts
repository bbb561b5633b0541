/** What a running stage tells the outside. Events are plain JSON: they cross the process boundary as they are. */
export type TelemetryEvent = ProgressEvent | MetricsEvent | LogEvent | TableEvent;

/** Where a stage is; drawn by the terminal, stored by no one. */
export interface ProgressEvent {
  type: 'progress';
  /** What is being done now: `train`, `score rows`, `tokenize`. */
  phase: string;
  step: number;
  /** null where the end is not known. */
  totalSteps: number | null;
  loss?: number;
  tokensPerSecond?: number;
  /** Share of the machine's measured product peak, 0 to 1. */
  mfu?: number;
  etaSeconds?: number;
  /** The end of the text that is being written, for a terminal. */
  text?: string;
}

/** One logged step: a line of metrics.jsonl and a point of each curve. Names are slash-separated: `train/loss`. */
export interface MetricsEvent {
  type: 'metrics';
  step: number;
  values: Record<string, number>;
  /** Those of the values that a clock made, such as throughput: the others are the same in every run of a config. */
  measured?: readonly string[];
  /** Unix time of the step where it was logged earlier, by the run that this one goes on from; else: now. */
  seconds?: number;
}

export interface LogEvent {
  type: 'log';
  level: 'debug' | 'info' | 'warning' | 'error';
  text: string;
  /** Whose line it is, dotted, for `hydra.verbose` and `hydra.job_logging.loggers`; default: the stage. */
  logger?: string;
}

/** A small result table, printed at the end of the stage and shown in its report. */
export interface TableEvent {
  type: 'table';
  title: string;
  columns: string[];
  rows: (string | number)[][];
}
