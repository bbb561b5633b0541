import { setTimeout as sleep } from 'node:timers/promises';
import type { RunEnd } from './run-info.js';
import { sendRun } from './send-run.js';
import { ExportProblem } from './tracker.js';
import { trackers } from './trackers.js';

/** What is sent, and where to: JSON, for another process. */
export interface SendJob {
  folder: string;
  /** Of `trackers`, and its options. */
  name: string;
  options: object;
  intervalSeconds: number;
}

export const later = './run runs export sends later what is missing';

const longestPause = 120;
// Between tries to send the end of a run; where the try before it failed, there is one.
const lastPauses = [0.5, 1];

/**
 * Sends what is new in metrics.jsonl, every interval, and once `ended` says how the run ended, the rest. Returns when
 * there is no more to do: all is sent, the server refuses, or the end of the run cannot be sent. Never throws: of what
 * goes wrong, `warn` is told the first, and why not all was sent.
 */
export async function sendLoop(
  { folder, name, options, intervalSeconds }: SendJob,
  ended: Promise<RunEnd>,
  warn: (text: string) => void,
): Promise<void> {
  const tracker = trackers[name]!(options);
  let end: RunEnd | null = null;
  const over = ended.then((told) => {
    end = told;
  });
  const pause = (seconds: number) => Promise.race([over, sleep(1000 * seconds)]);
  for (let failures = 0, lastFailures = 0, warned = false; ; ) {
    const last: RunEnd | null = end;
    const error = await sendRun(folder, name, tracker, last).catch((error: Error) => error);
    if (!(error instanceof Error)) {
      if (last !== null) return;
      failures = 0;
      await pause(intervalSeconds);
      continue;
    }
    const isPassing = error instanceof ExportProblem && error.isPassing;
    if (last !== null && (!isPassing || failures > 0 || lastFailures >= lastPauses.length))
      return warn(`not all was sent: ${error.message}; ${later}`);
    if (last !== null) {
      await sleep(1000 * lastPauses[lastFailures++]!);
      continue;
    }
    if (!isPassing) return warn(`${error.message}; the run goes on, ${later}`);
    if (!warned) warn(`${error.message}; the run goes on, and sending is tried again`);
    warned = true;
    failures++;
    await pause(pauseAfter(failures, intervalSeconds, error));
  }
}

// 2, 4, 8 … intervals, or what the server asks; a part of it by chance, so that many runs do not come back at once.
function pauseAfter(failures: number, interval: number, { retryAfterSeconds = 0 }: ExportProblem): number {
  const grown = interval * 2 ** Math.min(failures, 10) * (0.75 + Math.random() / 2);
  return Math.min(longestPause, Math.max(retryAfterSeconds, grown));
}
