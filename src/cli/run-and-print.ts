import type { ComposedConfig } from '../config/compose.js';
import type { ComposedStage } from '../runner/compose-stage.js';
import { type FinishedRun, runStage } from '../runner/run-stage.js';
import type { CommandLine } from './arguments.js';
import { withHost } from './host.js';
import { asRun, plug } from './plugged.js';
import { printResult } from './print-result.js';
import type { Project } from './project.js';
import { commandText } from './shell-quote.js';

/** Runs one stage by itself and prints what came of it. */
export async function runAndPrint(
  ready: ComposedStage,
  composed: ComposedConfig,
  line: CommandLine,
  project: Project,
): Promise<FinishedRun> {
  const finished = await runByItself(ready, composed, line, project);
  printResult(finished, line.log, project);
  return finished;
}

/** Runs one stage by itself. */
export async function runByItself(
  ready: ComposedStage,
  composed: ComposedConfig,
  line: CommandLine,
  project: Project,
): Promise<FinishedRun> {
  const { stage } = ready;
  const plugged = await plug(composed, composed.config(), line, project);
  return withHost([stage], line, project, plugged, (host) =>
    asRun(plugged, () => runStage({ ...ready, label: stage, command: commandText(line.argv) }, host)),
  );
}
