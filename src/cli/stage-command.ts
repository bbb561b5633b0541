import type { StageEntry } from '../runner/stage.js';
import type { CommandLine } from './arguments.js';
import { type ConfigRequest, composeConfig, composeOrSweep } from './compose.js';
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
  const sweep = async (asked: ConfigRequest) => {
    const [{ sweepCommand }, { sweptStage }] = await Promise.all([
      import('./sweep-command.js'),
      import('./sweep-job.js'),
    ]);
    return sweepCommand(sweptStage(stage, project), asked, line, project);
  };
  if (line.multirun && !line.help)
    return sweep({ ...request, overrides: [...line.rest, 'hydra.mode=MULTIRUN'] });
  const composed = await composeOrSweep(request, line, project, async (overrides) =>
    (await import('./ready-stage.js')).readyStage(
      stage,
      await composeConfig({ ...request, overrides }, line, project),
      project,
    ),
  );
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

const aboutStage = ({ name, aliases, description }: StageEntry) => `${description}

  ./run ${name} [key=value …] [--cfg job] [--plan] [--log json]
${aliases.length === 0 ? '' : `\nAlso called ${aliases.join(', ')}.\n`}`;
