import type { Objective, SweepJob } from '../config/index.js';
import { SluiceError } from '../errors.js';
import { runPipeline } from '../runner/run-pipeline.js';
import { SharedSteps } from '../runner/shared-steps.js';
import { shortened } from '../runner/shortened.js';
import { whereverItLies } from '../runner/step-key.js';
import type { CommandLine } from './arguments.js';
import { pipelineName } from './find-pipeline.js';
import { jobDisplay } from './job-display.js';
import type { Project } from './project.js';
import { type ReadyPipeline, readyPipeline } from './ready-pipeline.js';
import { readyAll } from './ready-stage.js';
import { commandText } from './shell-quote.js';
import { stepChoice, stepWords } from './step-choice.js';
import type { ReadyJob, SweepSubject } from './sweep-job.js';

/**
 * A pipeline whose config is swept. Jobs that run at the same time share cores and memory, and a step that two of them have
 * in common is made by one and taken by the other.
 */
export function sweptPipeline(configName: string, line: CommandLine, project: Project): SweepSubject {
  const { root } = project;
  const name = pipelineName(configName);
  // The job by itself, as one would type it.
  const first = line.command === 'pipeline' ? ['pipeline', configName] : [line.command!];
  const shared = new SharedSteps(root);
  const readyJob = async (job: SweepJob): Promise<ReadyPipeline & { command: string }> => {
    const command = commandText([...first, ...job.composed.overrides.task, ...stepWords(line)]);
    const recompose = async (more: readonly string[]) => job.with(more).composed;
    const where = { name, wantedFolder: '', command };
    return { ...(await readyPipeline(job.composed, recompose, where, line, project)), command };
  };
  return {
    name,
    async ready(jobs, objective) {
      const ready = await readyAll(jobs, readyJob);
      if (ready.length > 0) checkObjective(objective, ready[0]!);
      return ready.map(
        ({ run, steps }, index): ReadyJob => ({
          config: jobConfig(jobs[index]!, steps),
          start({ wantedFolder, label }, host, started) {
            const own = { ...host, display: jobDisplay(label, host.display) };
            return runPipeline({ ...run, wantedFolder }, own, stepChoice(line), {
              shared,
              oneOfSeveral: true,
              started(folder) {
                host.display.started(label, shortened(root, folder));
                started(folder);
              },
            });
          },
        }),
      );
    },
  };
}

/** What tells a job from another: the pipeline's own values, and what its steps make of them. */
function jobConfig({ composed }: SweepJob, steps: ReadyPipeline['steps']): Record<string, unknown> {
  const { steps: _, ...own } = composed.unresolved();
  return {
    ...own,
    steps: Object.fromEntries(
      [...steps].map(([step, ready]) => [step, { stage: ready.stage, config: whereverItLies(ready) }]),
    ),
  };
}

/** Curves are compared as they come: it must be clear whose. */
function checkObjective(objective: Objective | undefined, { run }: ReadyPipeline): void {
  const names = run.steps.map(({ name }) => name);
  if (objective === undefined || objective.pruneAfter === null) return;
  if (names.some((name) => objective.metric.startsWith(`${name}.`))) return;
  throw new SluiceError(
    'config.objective',
    `hydra.sweeper.prune_after compares curves while they grow, and ${objective.metric} may be of any step`,
    { hint: `name the step: hydra.sweeper.objective=${names.at(-1)}.${objective.metric}` },
  );
}
