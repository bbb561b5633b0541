import type { ComposedStage } from '../runner/compose-stage.js';
import type { StageEntry } from '../runner/stage.js';
import type { CommandLine } from './arguments.js';
import { type ConfigRequest, composeConfig } from './compose.js';
import { configText } from './print-config.js';
import type { Project } from './project.js';

/** `./run <stage> …`: composes and checks the config, then prints it (`--cfg`, `--help`), plans, or runs. */
export async function stageCommand(stage: StageEntry, line: CommandLine, project: Project): Promise<number> {
  const { stdout } = project;
  const request: ConfigRequest = {
    configName: line.configName ?? stage.config,
    jobName: stage.name,
    overrides: line.rest,
  };
  if (line.multirun) return (await import('./sweep-command.js')).sweepCommand(stage, request, line, project);
  const composed = await composeConfig(request, line, project);
  if (line.help) {
    stdout.write(stageHelp(stage, await configText(composed, line)));
    return 0;
  }
  if (line.cfg !== undefined) {
    stdout.write(await configText(composed, line));
    return 0;
  }
  // Only now: printing a config needs none of this.
  const { readyStage } = await import('./ready-stage.js');
  const ready = await readyStage(stage, composed, project);
  if (line.plan) return (await import('./plan-stage.js')).planStage(ready, project);
  return runAndPrint(ready, line, project);
}

async function runAndPrint(composed: ComposedStage, line: CommandLine, project: Project): Promise<number> {
  const [{ withHost }, { runStage }, { printResult }, { commandText }] = await Promise.all([
    import('./host.js'),
    import('../runner/run-stage.js'),
    import('./print-result.js'),
    import('./shell-quote.js'),
  ]);
  const { stage } = composed;
  const finished = await withHost([stage], line, project, (host) =>
    runStage({ ...composed, label: stage, command: commandText(line.argv) }, host),
  );
  printResult(finished, line.log, project);
  return finished.record.exitCode!;
}

function stageHelp({ name, aliases, description, config }: StageEntry, text: string): string {
  return `${description}

  ./run ${name} [key=value …] [--cfg job] [--plan] [--log json]
${aliases.length === 0 ? '' : `\nAlso called ${aliases.join(', ')}.\n`}
Its config (configs/${config}.yaml composed); every key can be overridden:

${text.replace(/^(?=.)/gm, '  ')}
./run --help lists the flags and the override forms.
`;
}
