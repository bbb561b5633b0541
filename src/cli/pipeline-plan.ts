import { describeError } from '../errors.js';
import { CodeHashes } from '../runner/code-hash.js';
import { forecastPipeline } from '../runner/forecast-pipeline.js';
import type { PipelineChoice } from '../runner/pipeline-choice.js';
import type { PipelineRun } from '../runner/pipeline-run.js';
import { thrownError } from '../runner/run-record.js';
import type { CommandLine } from './arguments.js';
import { pipelinePlanText } from './pipeline-plan-text.js';
import type { Project } from './project.js';

/** `--plan` of a pipeline; the exit code is 2 where a step could not run, with all that is wrong told. */
export async function printForecast(
  run: PipelineRun,
  choice: PipelineChoice,
  line: CommandLine,
  { root, stagesModule, stdout, stderr }: Project,
): Promise<number> {
  const host = { root, stagesModule, code: new CodeHashes(stagesModule) };
  const forecast = await forecastPipeline(run, host, choice);
  stdout.write(line.log === 'json' ? `${JSON.stringify(forecast)}\n` : pipelinePlanText(forecast));
  for (const { name, problem } of forecast.steps) {
    if (problem === null) continue;
    stderr.write(
      `${describeError(thrownError({ ...problem, message: `step ${name}: ${problem.message}` }))}\n`,
    );
  }
  const cannotRun = forecast.steps.some(({ problem, action }) => problem !== null || action === 'missing');
  return cannotRun ? 2 : 0;
}
