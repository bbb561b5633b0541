import type { TableEvent } from '../telemetry/event.js';
import type { TrainingRun } from './compile-run.js';
import type { LoopResult } from './loop.js';
import { numbersIn } from './run-length.js';

/** What a finetuning stage shows at its end. Loss is the mean over the last logged interval. */
export function trainingTable(title: string, run: TrainingRun, result: LoopResult): TableEvent {
  return {
    type: 'table',
    title,
    columns: ['steps', 'tokens', 'loss', 'trained parameters', 'tokens/s', 'MFU'],
    rows: [
      [
        result.steps,
        result.tokens,
        result.loss.toFixed(4),
        numbersIn(run.trainable),
        Math.round(result.tokensPerSecond),
        `${(100 * result.mfu).toFixed(1)} %`,
      ],
    ],
  };
}
