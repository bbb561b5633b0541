import type { MetricsEvent } from '../event.js';
import type { RunEnd } from '../export/run-info.js';

/**
 * Where logged steps go: a file format of a run folder, or a server. What was written before a crash must be readable after it.
 */
export interface MetricsSink {
  /** @param seconds Unix time of the step */
  write(event: MetricsEvent, seconds: number): void;
  /**
   * Resolves when everything is on disk; rejects with the first write error.
   *
   * @param end how the run ended
   * @param stop when nobody wants to wait any longer for what is sent somewhere
   */
  close(end: RunEnd, stop?: AbortSignal): Promise<void>;
}

/** Opens a sink in a run folder, which has its run.json. What goes wrong without ending the sink is told to `warn`. */
export type OpenSink = (runDirectory: string, seconds: number, warn?: (text: string) => void) => MetricsSink;
