import { resolve } from 'node:path';
import type { ComposedStage } from '../runner/compose-stage.js';
import type { StageEntry } from '../runner/stage.js';
import type { CommandLine } from './arguments.js';
import { compose } from './compose.js';
import type { Project } from './project.js';
import { commandText } from './shell-quote.js';

/** `./run <stage> …`: composes and checks the config, then prints it (`--cfg`, `--help`), plans, or runs. */
export async function stageCommand(stage: StageEntry, line: CommandLine, project: Project): Promise<number> {
  const { stdout } = project;
  const composition = await compose(line.configName ?? stage.config, stage.name, line.rest, project);
  if (line.cfg !== undefined) {
    stdout.write(composition.print(line));
    return 0;
  }
  if (line.help) {
    stdout.write(stageHelp(stage, composition.print(line)));
    return 0;
  }
  const { config, hydraFiles, runDirectory } = composition;
  const composed = {
    stage: stage.name,
    config,
    hydraFiles,
    wantedFolder: resolve(project.root, runDirectory),
  };
  // Only now: printing a config needs none of this.
  if (line.plan) return (await import('./plan-stage.js')).planStage(composed, project);
  return runAndPrint(composed, line, project);
}

async function runAndPrint(composed: ComposedStage, line: CommandLine, project: Project): Promise<number> {
  const [{ withHost }, { runStage }, { printResult }] = await Promise.all([
    import('./host.js'),
    import('../runner/run-stage.js'),
    import('./print-result.js'),
  ]);
  const { stage } = composed;
  const finished = await withHost([stage], line, project, (host) =>
    runStage({ ...composed, label: stage, command: commandText(line.argv) }, host),
  );
  printResult(finished, line.log, project);
  return finished.record.exitCode!;
}

function stageHelp(stage: StageEntry, config: string): string {
  return `${stage.description}

  ./run ${[stage.name, ...stage.aliases][0]} [key=value …] [--cfg job] [--plan] [--log json]
${stage.aliases.length === 0 ? '' : `\nAlso called ${stage.aliases.join(', ')}.\n`}
Its config (configs/${stage.config}.yaml composed); every key can be overridden:

${config.replace(/^(?=.)/gm, '  ')}
./run --help lists the flags and the override forms.
`;
}
