import type { TableEvent } from '../telemetry/event.js';
import type { TrainingRun } from './compile-run.js';
import type { LoopResult } from './loop.js';
import { numbersIn } from './run-length.js';

/** What a finetuning stage shows at its end. Loss is the mean over the last logged interval. */
export function trainingTable(title: string, run: TrainingRun, result: LoopResult): TableEvent {
  const heldOut = result.evaluation['validation/loss'];
  const cells: [column: string, value: string | number][] = [
    ['steps', result.steps],
    ['tokens', result.tokens],
    ['loss', result.loss.toFixed(4)],
    ...(heldOut === undefined ? [] : [['validation loss', heldOut.toFixed(4)] as [string, string]]),
    ['trained parameters', numbersIn(run.trainable)],
    ['tokens/s', Math.round(result.tokensPerSecond)],
    ['MFU', `${(100 * result.mfu).toFixed(1)} %`],
  ];
  return {
    type: 'table',
    title,
    columns: cells.map(([column]) => column),
    rows: [cells.map(([, value]) => value)],
  };
}
