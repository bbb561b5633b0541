import { SluiceError } from '../errors.js';
import type { RunError, RunRecord, StepRecord } from './run-record.js';

/**
 * How a pipeline ended whose steps ended so: with all that went wrong, not only the first of it.
 *
 * @param lacking why none of its steps could start
 */
export function pipelineEnd(
  steps: readonly StepRecord[],
  interrupted: boolean,
  lacking?: RunError,
): Pick<RunRecord, 'status' | 'exitCode' | 'error'> {
  if (lacking !== undefined) return failedWith(lacking);
  const failed = steps.filter(({ status }) => status === 'failed');
  const stopped = steps.filter(({ status }) => status === 'interrupted');
  const wasInterrupted =
    stopped.length > 0 || (interrupted && steps.some(({ status }) => status === 'waiting'));
  const error = joined([...failed, ...stopped]);
  if (wasInterrupted) {
    const told = error === undefined ? interruptedBetween : { ...error, hint: goOn };
    return { status: 'interrupted', exitCode: 130, error: told };
  }
  if (error === undefined) return { status: 'done', exitCode: 0 };
  return failedWith(error);
}

const failedWith = (error: RunError) => ({
  status: 'failed' as const,
  exitCode: new SluiceError(error.code, '').exitCode,
  error,
});

const goOn = 'the same command goes on: what is done is not run again';

const interruptedBetween: RunError = {
  code: 'interrupted',
  message: 'interrupted between two steps',
  hint: goOn,
};

function joined(steps: readonly StepRecord[]): RunError | undefined {
  const told = steps.map(({ name, error }) => ({ ...error!, message: `step ${name}: ${error!.message}` }));
  const [first, ...others] = told;
  if (first === undefined || others.length === 0) return first;
  const lines = told.map(({ message, where }) => `  ${message}${where === undefined ? '' : ` (${where})`}`);
  return { code: first.code, message: `${told.length} steps did not end well:\n${lines.join('\n')}` };
}
