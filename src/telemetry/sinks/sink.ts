import type { MetricsEvent } from '../event.js';

/**
 * Where logged steps go: a file format of a run folder. What was written before a crash must be readable after it.
 */
export interface MetricsSink {
  /** @param seconds Unix time of the step */
  write(event: MetricsEvent, seconds: number): void;
  /** Resolves when everything is on disk; rejects with the first write error. */
  close(): Promise<void>;
}

/** Opens a sink in a run folder. */
export type OpenSink = (runDirectory: string, seconds: number) => MetricsSink;
