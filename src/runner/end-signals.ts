/**
 * Signals that end a run in order. Under `nohup` a hang-up is none of them: the terminal may go, the run stays. Node forgets
 * at its start which signals were to be ignored, so `run` tells by SLUICE_NOHUP=1.
 */
export const endSignals: readonly NodeJS.Signals[] =
  process.env.SLUICE_NOHUP === '1' ? ['SIGINT', 'SIGTERM'] : ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** For the whole process; without a listener a hang-up would be its end. */
export function ignoreOtherSignals(): void {
  if (!endSignals.includes('SIGHUP')) process.on('SIGHUP', () => {});
}
