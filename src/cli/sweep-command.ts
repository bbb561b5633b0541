import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  composeBatch,
  loadSweeperTargets,
  optimizationResults,
  planSweep,
  type SweepJob,
  type SweepPlan,
} from '../config/index.js';
import { describeError } from '../errors.js';
import { catchSignals, Interrupt } from '../runner/interrupt.js';
import { type RunnerHost, runStage, type StageRun } from '../runner/run-stage.js';
import type { StageEntry } from '../runner/stage.js';
import { createSweepFolder } from '../runner/sweep-folder.js';
import type { CommandLine } from './arguments.js';
import { type ConfigRequest, composeOptions } from './compose.js';
import { withHost } from './host.js';
import { MedianPruning } from './median-pruning.js';
import { reachedValue } from './objective.js';
import { loadRegistries, type Plugged, plug } from './plugged.js';
import { printJson, printResult } from './print-result.js';
import type { Project } from './project.js';
import { runPruned } from './pruned-run.js';
import { readyStages } from './ready-stage.js';
import { commandText } from './shell-quote.js';
import { bestJob, type FinishedJob, sweepTable, sweptTexts } from './sweep-summary.js';

/**
 * `-m`: one run per combination, one after another, in `hydra.sweep.dir`/`hydra.sweep.subdir`. All configs of a batch are
 * composed and checked before its first run. The first run that is not done ends the sweep with its exit code.
 */
export async function sweepCommand(
  stage: StageEntry,
  request: ConfigRequest,
  line: CommandLine,
  project: Project,
): Promise<number> {
  const plan = planSweep(await composeOptions(request, line, project), {
    sweepers: await loadSweeperTargets((await loadRegistries(project)).sweepers),
  });
  const plugged = await plug(plan.master, plan.master.unresolved(), line, project);
  const sweep = new Sweep(plan, stage, plugged, line, project);
  await plugged.tell('on_multirun_start');
  try {
    return await sweep.run();
  } finally {
    await sweep.close();
    await plugged.tell('on_multirun_end');
  }
}

class Sweep {
  private readonly interrupt = new Interrupt();
  private readonly stopCatching = catchSignals(this.interrupt);
  private readonly jobs: FinishedJob[] = [];
  private readonly plan: SweepPlan;
  private readonly stage: StageEntry;
  private readonly plugged: Plugged;
  private readonly line: CommandLine;
  private readonly project: Project;
  private readonly pruning: MedianPruning | undefined;
  private folder: string | undefined;

  constructor(plan: SweepPlan, stage: StageEntry, plugged: Plugged, line: CommandLine, project: Project) {
    this.plan = plan;
    this.stage = stage;
    this.plugged = plugged;
    this.line = line;
    this.project = project;
    this.pruning = plan.objective && new MedianPruning(plan.objective);
  }

  async run(): Promise<number> {
    const { sweeper } = this.plan;
    for (let batch = sweeper.ask(); batch !== undefined; batch = sweeper.ask()) {
      const before = this.jobs.length;
      const exitCode = await this.runBatch(composeBatch(this.plan, before, batch));
      if (exitCode !== 0) return exitCode;
      sweeper.tell(this.jobs.slice(before).map(({ value }) => value));
    }
    if (this.jobs.length === 0)
      this.project.stderr.write('the sweep has no jobs: one of its patterns or ranges is empty\n');
    return 0;
  }

  /** Tells how the jobs compare, also where the sweep ended early. */
  async close(): Promise<void> {
    this.stopCatching();
    const { jobs, folder, line, project, plan } = this;
    if (folder === undefined || jobs.length === 0) return;
    const { writeReport } = await import('../report/index.js');
    await writeReport(folder).catch(
      (error: unknown) => void project.stderr.write(`no report: ${describeError(error)}\n`),
    );
    if (line.log === 'json') return;
    project.stdout.write(`\n${sweepTable(plan, jobs, folder, project.root)}`);
  }

  private async runBatch(batch: SweepJob[]): Promise<number> {
    if (batch.length === 0) return 0;
    const { line, project, plan, interrupt } = this;
    const configs = batch.map(({ composed }) => composed);
    const ready = await readyStages(this.stage, configs, project);
    // Only now: a sweep with a mistake leaves nothing behind.
    const wanted = resolve(project.root, plan.directory);
    this.folder ??= await createSweepFolder(wanted, plan.master.yaml({ part: 'all' }));
    const runs = batch.map((job, index): StageRun => {
      const own = resolve(project.root, job.directory);
      return {
        ...ready[index]!,
        wantedFolder: join(own === wanted ? this.folder! : own, job.subdirectory),
        label: [`#${job.num}`, ...sweptTexts(plan, job.overrides)].join(' '),
        command: commandText([this.stage.name, ...job.overrides]),
      };
    });
    const labels = runs.map(({ label }) => label);
    return withHost(
      labels,
      line,
      project,
      this.plugged,
      async (host) => {
        for (const [index, run] of runs.entries()) {
          if (interrupt.requested) return 130;
          const exitCode = await this.runJob(batch[index]!, run, host);
          if (exitCode !== 0) return exitCode;
        }
        return 0;
      },
      interrupt,
    );
  }

  private async runJob({ num, overrides }: SweepJob, run: StageRun, host: RunnerHost): Promise<number> {
    const { plan, line, project, pruning } = this;
    const { finished, pruned } =
      pruning === undefined
        ? { finished: await runStage(run, host), pruned: false }
        : await runPruned(run, host, pruning);
    const good = finished.record.status === 'done' || pruned;
    const status = pruned ? 'pruned' : finished.record.status;
    const job: FinishedJob = { num, overrides, finished, status, value: undefined };
    this.jobs.push(job);
    if (good && plan.objective !== undefined) job.value = await reachedValue(finished, plan.objective);
    if (line.log === 'json')
      printJson(finished, project, { job: num, overrides, objective: job.value, pruned });
    else if (!pruned) printResult(finished, line.log, project);
    const best = bestJob(plan, this.jobs);
    if (best !== undefined)
      await writeFile(join(this.folder!, 'optimization_results.yaml'), optimizationResults(plan, best));
    return good ? 0 : finished.record.exitCode!;
  }
}
