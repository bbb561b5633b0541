import type { ComposedConfig } from '../config/compose.js';
import { CodeHashes } from '../runner/code-hash.js';
import { type Display, openDisplay } from '../runner/display/display.js';
import { catchSignals, Interrupt } from '../runner/interrupt.js';
import { JobLog } from '../runner/logging/job-log.js';
import type { RunnerHost } from '../runner/run-stage.js';
import { Versions } from '../runner/versions.js';
import type { CommandLine } from './arguments.js';
import { logSettings } from './job-setup.js';
import type { Plugged } from './plugged.js';
import type { Project } from './project.js';

/**
 * Runs `work` with a display of these steps, or of the jobs of a sweep, and with Ctrl-C meaning an orderly end; tidies both
 * up afterwards. The command's own lines go where `hydra.hydra_logging` says.
 */
export async function withHost<Result>(
  steps: string[] | 'jobs',
  line: CommandLine,
  project: Project,
  plugged: Plugged,
  work: (host: RunnerHost) => Promise<Result>,
): Promise<Result> {
  const { root, stagesModule, stderr } = project;
  const { composed, launcher, registries, callbacks } = plugged;
  const settings = logSettings(composed, 'hydra.hydra_logging');
  const interrupt = new Interrupt();
  const stopCatching = catchSignals(interrupt);
  const opened = await openDisplay(line.log, steps, stderr);
  const log = new JobLog(settings, 'hydra', root, ({ text }) => opened.note(text));
  const display: Display = {
    ...opened,
    note: (text, level = 'info') => log.write({ type: 'log', level, text }),
  };
  const printBefore = callbacks.print;
  callbacks.print = (text) => display.note(text);
  const writeReport = async (folder: string) => (await import('../report/index.js')).writeReport(folder);
  try {
    if (log.lets('debug')) display.note(await allInfo(composed, project), 'debug');
    return await work({
      root,
      stagesModule,
      code: new CodeHashes(stagesModule),
      versions: new Versions(root),
      launcher,
      registries,
      callbacks,
      display,
      interrupt,
      writeReport,
    });
  } finally {
    callbacks.print = printBefore;
    await log.close();
    await display.close();
    stopCatching();
  }
}

// As Hydra does under hydra.verbose=true.
const allInfo = async (composed: ComposedConfig, project: Project) =>
  (await (await import('./info.js')).infoText(composed, 'all', project)).trimEnd();
