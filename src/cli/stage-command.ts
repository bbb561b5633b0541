import { type ComposedConfig, type ComposeOptions, compose } from '../config/compose.js';
import type { StageEntry } from '../runner/stage.js';
import type { CommandLine } from './arguments.js';
import { type ConfigRequest, composeConfig, composeOptions } from './compose.js';
import { requestedText } from './print-config.js';
import type { Project } from './project.js';

/** `./run <stage> …`: composes the config, then shows it (`--cfg`, `--help`, `--info`), or checks it and plans or runs. */
export async function stageCommand(stage: StageEntry, line: CommandLine, project: Project): Promise<number> {
  const request: ConfigRequest = {
    configName: line.configName ?? stage.config,
    jobName: stage.name,
    overrides: line.rest,
  };
  const started = performance.now();
  const sweep = async (asked: ConfigRequest) =>
    (await import('./sweep-command.js')).sweepCommand(stage, asked, line, project);
  if (line.multirun && !line.help)
    return sweep({ ...request, overrides: [...line.rest, 'hydra.mode=MULTIRUN'] });
  const composed = await composeOrSweep(stage, request, line, project);
  if (composed === 'sweep') return sweep(request);
  const milliseconds = performance.now() - started;
  const text = await requestedText(composed, line, project, { about: aboutStage(stage), milliseconds });
  if (text !== undefined) {
    project.stdout.write(text);
    return 0;
  }
  // Only now: printing a config needs none of this.
  const { readyStage } = await import('./ready-stage.js');
  const ready = await readyStage(stage, composed, project);
  if (line.plan) return (await import('./plan-stage.js')).printPlan(ready, project);
  const { runAndPrint } = await import('./run-and-print.js');
  return (await runAndPrint(ready, composed, line, project)).record.exitCode!;
}

/** A config or an override may ask for a sweep too, by `hydra.mode=MULTIRUN`; it can then hold what one run cannot. */
async function composeOrSweep(
  stage: StageEntry,
  request: ConfigRequest,
  line: CommandLine,
  project: Project,
): Promise<ComposedConfig | 'sweep'> {
  const shown = line.help || line.cfg !== undefined || line.info !== undefined;
  try {
    const composed = await composeConfig(request, line, project);
    return composed.declaredMode === 'MULTIRUN' && !shown && !line.plan ? 'sweep' : composed;
  } catch (error) {
    const options = await composeOptions(request, line, project);
    const isSweep = () => asksForSweep({ ...options, mode: 'multirun', warn: () => {} });
    if (!shown && !line.plan && isSweep()) return 'sweep';
    if (shown) throw error;
    const [{ allMistakes }, { readyStage }] = await Promise.all([
      import('./all-mistakes.js'),
      import('./ready-stage.js'),
    ]);
    throw await allMistakes(error, request.overrides, async (overrides) =>
      readyStage(stage, await composeConfig({ ...request, overrides }, line, project), project),
    );
  }
}

function asksForSweep(options: ComposeOptions): boolean {
  try {
    return compose(options).declaredMode === 'MULTIRUN';
  } catch {
    return false; // the caller has the better error
  }
}

const aboutStage = ({ name, aliases, description }: StageEntry) => `${description}

  ./run ${name} [key=value …] [--cfg job] [--plan] [--log json]
${aliases.length === 0 ? '' : `\nAlso called ${aliases.join(', ')}.\n`}`;
