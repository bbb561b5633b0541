import { resolve } from 'node:path';
import type { CommandLine } from './arguments.js';
import { type ConfigRequest, composeConfig, composeOrSweep } from './compose.js';
import { pipelineName } from './find-pipeline.js';
import { requestedText } from './print-config.js';
import type { Project } from './project.js';
import { commandText } from './shell-quote.js';
import { stepChoice } from './step-choice.js';

/** `./run demo …`: a config with `steps`, checked whole, then run step by step; or swept. */
export async function pipelineCommand(
  configName: string,
  line: CommandLine,
  project: Project,
): Promise<number> {
  const name = pipelineName(configName);
  const request = { configName, jobName: name, overrides: line.rest };
  const sweep = async (asked: ConfigRequest) => {
    const [{ sweepCommand }, { sweptPipeline }] = await Promise.all([
      import('./sweep-command.js'),
      import('./swept-pipeline.js'),
    ]);
    return sweepCommand(sweptPipeline(configName, line, project), asked, line, project);
  };
  if (line.multirun && !line.help)
    return sweep({ ...request, overrides: [...line.rest, 'hydra.mode=MULTIRUN'] });
  const started = performance.now();
  const composed = await composeOrSweep(request, line, project);
  if (composed === 'sweep') return sweep(request);
  const milliseconds = performance.now() - started;
  const about = `The pipeline configs/${configName}.yaml\n\n  ./run ${line.command} [key=value …] [--cfg job] [--plan]`;
  const text = await requestedText(composed, line, project, { about, milliseconds });
  if (text !== undefined) {
    project.stdout.write(text);
    return 0;
  }
  const { readyPipeline } = await import('./ready-pipeline.js');
  const recompose = (more: readonly string[]) =>
    composeConfig({ ...request, overrides: [...line.rest, ...more] }, line, project);
  const wantedFolder = resolve(project.root, String(composed.value('hydra.run.dir')));
  const where = { name, wantedFolder, command: commandText(line.argv) };
  const { run } = await readyPipeline(composed, recompose, where, line, project);
  const choice = stepChoice(line);
  if (line.plan) {
    const { printForecast } = await import('./pipeline-plan.js');
    return printForecast(run, choice, line, project);
  }
  const [{ withHost }, { asRun, plug }, { runPipeline }, { printResult }] = await Promise.all([
    import('./host.js'),
    import('./plugged.js'),
    import('../runner/run-pipeline.js'),
    import('./print-result.js'),
  ]);
  const names = run.steps.map((step) => step.name);
  const plugged = await plug(composed, composed.unresolved(), line, project);
  const finished = await withHost(names, line, project, plugged, (host) =>
    asRun(plugged, () => runPipeline(run, host, choice)),
  );
  printResult(finished, line.log, project);
  return finished.record.exitCode!;
}
