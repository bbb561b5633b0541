import { openDisplay } from '../runner/display/display.js';
import { catchSignals, Interrupt } from '../runner/interrupt.js';
import type { RunnerHost } from '../runner/run-stage.js';
import type { CommandLine } from './arguments.js';
import type { Plugged } from './plugged.js';
import type { Project } from './project.js';

/**
 * Runs `work` with a display of these steps and with Ctrl-C meaning an orderly end; tidies both up afterwards. Who runs work
 * in several parts catches signals for all of them and hands the `interrupt` in.
 */
export async function withHost<Result>(
  steps: string[],
  line: CommandLine,
  project: Project,
  plugged: Plugged,
  work: (host: RunnerHost) => Promise<Result>,
  given?: Interrupt,
): Promise<Result> {
  const { root, stagesModule, stderr } = project;
  const interrupt = given ?? new Interrupt();
  const stopCatching = given === undefined ? catchSignals(interrupt) : () => {};
  const display = await openDisplay(line.log, steps, stderr);
  const { launcher, registries, callbacks } = plugged;
  const printBefore = callbacks.print;
  callbacks.print = (text) => display.note(text);
  const writeReport = async (folder: string) => (await import('../report/index.js')).writeReport(folder);
  try {
    return await work({
      root,
      stagesModule,
      launcher,
      registries,
      callbacks,
      display,
      interrupt,
      writeReport,
    });
  } finally {
    callbacks.print = printBefore;
    await display.close();
    stopCatching();
  }
}
