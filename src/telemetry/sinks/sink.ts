import type { MetricsEvent } from '../event.js';
import type { RunEnd } from '../export/run-info.js';

/**
 * Where logged steps go: a file format of a run folder. What was written before a crash must be readable after it.
 */
export interface MetricsSink {
  /** @param seconds Unix time of the step */
  write(event: MetricsEvent, seconds: number): void;
  /** Resolves when everything is on disk; rejects with the first write error. `end`: how the run ended. */
  close(end?: RunEnd): Promise<void>;
}

/** Opens a sink in a run folder, which has its run.json. What goes wrong without ending the sink is told to `warn`. */
export type OpenSink = (runDirectory: string, seconds: number, warn?: (text: string) => void) => MetricsSink;
