import { numbersOf, type RunEnd } from '../telemetry/export/run-info.js';
import type { RunRecord } from './run-record.js';

/** How a run ended, as sinks are told. One that was lost says nothing of that: it counts as interrupted where it began. */
export function endOf({ status, startedAt, endedAt, exitCode, facts }: RunRecord): RunEnd {
  return {
    status: status === 'running' ? 'interrupted' : status,
    endedAt: endedAt ?? startedAt,
    exitCode: exitCode ?? 1,
    result: numbersOf(facts.result),
  };
}
