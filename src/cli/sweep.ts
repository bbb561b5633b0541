import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  type JobOverrides,
  type Objective,
  optimizationResults,
  type SweepJob,
  type SweepPlan,
} from '../config/index.js';
import { describeError } from '../errors.js';
import { configHash } from '../runner/config-hash.js';
import type { EndStatus } from '../runner/display/display.js';
import { inParallel } from '../runner/in-parallel.js';
import type { Launcher } from '../runner/launchers/launcher.js';
import { oneByOne, type SweepPolicy } from '../runner/launchers/sweep-policy.js';
import { thrownError } from '../runner/run-record.js';
import type { FinishedRun, RunnerHost } from '../runner/run-stage.js';
import { createSweepFolder } from '../runner/sweep-folder.js';
import type { SweepJobEntry } from '../runner/sweep-manifest.js';
import { SweepRecord } from '../runner/sweep-record.js';
import type { CommandLine } from './arguments.js';
import { MedianPruning } from './median-pruning.js';
import { judgedValue, reachedValues } from './objective.js';
import { printJson } from './print-result.js';
import type { Project } from './project.js';
import { commandText } from './shell-quote.js';
import { runJob, type SweepSubject } from './sweep-job.js';
import { sweepTable, sweptTexts } from './sweep-summary.js';

export interface SweepSetting {
  plan: SweepPlan;
  subject: SweepSubject;
  launcher: Launcher;
  startedAt: Date;
  line: CommandLine;
  project: Project;
}

/** A job as it waits: what the manifest says of it, and how it is started. */
interface QueuedJob extends Pick<SweepJobEntry, 'num' | 'overrides' | 'configSha256' | 'threads'> {
  label: string;
  start(host: RunnerHost): Promise<FinishedRun>;
}

/** The jobs of one multirun, batch by batch: all of a batch are composed and checked before the first of them starts. */
export class Sweep {
  private readonly setting: SweepSetting;
  private readonly policy: SweepPolicy;
  private readonly pruning: MedianPruning | undefined;
  private batch: QueuedJob[] = [];
  private record: SweepRecord | undefined;
  /** Of the first job that was not good. */
  private exitCode = 0;
  private stopped = false;
  /** What is told of jobs that failed for good, once all else is told. */
  private readonly failures: string[] = [];

  constructor(setting: SweepSetting) {
    const { plan, launcher } = setting;
    this.setting = setting;
    this.policy = launcher.sweeps ?? oneByOne;
    this.pruning = plan.objective && new MedianPruning(plan.objective);
  }

  /** Composes the first batch and only then makes the sweep's folder. Says no where there is nothing to run. */
  async prepare(): Promise<boolean> {
    const { plan, project } = this.setting;
    this.batch = await this.nextBatch();
    if (this.batch.length === 0) {
      project.stderr.write('the sweep has no jobs: one of its patterns or ranges is empty\n');
      return false;
    }
    const wanted = resolve(project.root, plan.directory);
    const folder = await createSweepFolder(wanted, plan.master.yaml({ part: 'all' }));
    this.record = new SweepRecord(folder, this.head());
    return true;
  }

  /** Runs all that the sweeper asks for, and gives the exit code. */
  async run(host: RunnerHost): Promise<number> {
    const { sweeper } = this.setting.plan;
    const goesOn = () => !this.stopped && !host.interrupt.requested;
    try {
      for (; this.batch.length > 0; this.batch = await this.nextBatch()) {
        this.record!.queue(this.batch);
        host.display.waiting?.(this.batch.length);
        await inParallel(this.batch, this.policy.jobs, (job) => this.runJob(job, host, goesOn), goesOn);
        if (!goesOn()) break;
        sweeper.tell(this.batch.map(({ num }) => this.record!.entry(num).objective ?? undefined));
      }
    } catch (error) {
      this.exitCode ||= 1;
      throw error;
    }
    if (host.interrupt.requested) this.exitCode = 130;
    return this.exitCode;
  }

  /** Tells how the jobs compare, also where the sweep ended early. */
  async close(): Promise<void> {
    const { record } = this;
    const { line, project } = this.setting;
    if (record === undefined) return;
    record.close(this.exitCode === 0 ? 'done' : this.exitCode === 130 ? 'interrupted' : 'failed');
    const { writeReport } = await import('../report/index.js');
    const report = await writeReport(record.folder).catch(
      (error: unknown) => void project.stderr.write(`no report: ${describeError(error)}\n`),
    );
    if (line.log === 'json') return;
    project.stdout.write(`\n${sweepTable(record, project.root)}`);
    if (report !== undefined) project.stdout.write(`report: ${report}\n`);
    for (const text of this.failures) project.stderr.write(`${text}\n`);
  }

  private head() {
    const { plan, subject, launcher, startedAt, line } = this.setting;
    const { objective } = plan;
    return {
      stage: subject.name,
      command: commandText(line.argv),
      words: [...line.argv],
      startedAt: startedAt.toISOString(),
      sweeper: { name: plan.sweeperName, batchSize: null },
      swept: plan.swept,
      objective:
        objective === undefined ? null : { metric: objective.metric, direction: objective.direction },
      launcher: { name: launcher.name, ...this.policy },
    };
  }

  /** Empty where there are no more. */
  private async nextBatch(): Promise<QueuedJob[]> {
    const { plan, subject } = this.setting;
    const first = this.record?.manifest.jobs.length ?? 0;
    const jobs = (plan.sweeper.ask() ?? []).map((overrides, index) =>
      this.composeJob(first + index, overrides),
    );
    const ready = await subject.ready(jobs);
    return jobs.map((job, index): QueuedJob => {
      const { num, overrides, threads } = job;
      const { config, start } = ready[index]!;
      const label = [`#${num}`, ...sweptTexts(plan.swept, overrides)].join(' ');
      return {
        num,
        overrides,
        threads,
        configSha256: configHash(threads === null ? config : { ...config, threads: null }),
        label,
        start: (host) => start({ wantedFolder: this.folderOf(job), label }, host),
      };
    });
  }

  // What the launcher gives a job is an override like another: recorded with the run, and there when it is run again.
  private composeJob(num: number, overrides: JobOverrides): SweepJob & { threads: number | null } {
    const { plan } = this.setting;
    const { threads } = this.policy;
    const job = plan.job(num, overrides);
    if (threads === null || job.composed.value('threads') !== null) return { ...job, threads: null };
    return { ...plan.job(num, [...overrides, `threads=${threads}`]), overrides, threads };
  }

  // Its own hydra.sweep.dir, where that depends on what is swept; else the folder that this sweep got.
  private folderOf({ directory, subdirectory }: SweepJob): string {
    const { plan, project } = this.setting;
    const shared = resolve(project.root, directory) === resolve(project.root, plan.directory);
    return join(shared ? this.record!.folder : resolve(project.root, directory), subdirectory);
  }

  private async runJob(job: QueuedJob, host: RunnerHost, goesOn: () => boolean): Promise<void> {
    const { root } = this.setting.project;
    const { retries, onFailure } = this.policy;
    const started = (folder: string) => {
      this.record!.started(job.num, resolve(root, folder));
      host.display.waiting?.(this.record!.queued);
    };
    for (let attempt = 0; ; attempt++) {
      const { finished, status } = await runJob(job.label, job.start, host, this.pruning, started);
      await this.note(job, finished, status, host);
      if (status === 'done' || status === 'pruned') return;
      if (status === 'failed' && attempt < retries && goesOn()) {
        host.display.note(`${job.label} is started again (${attempt + 1} of ${retries})`, 'warning');
        continue;
      }
      const { error, exitCode } = finished.record;
      if (status === 'failed' && error !== undefined)
        this.failures.push(`${job.label}\n${describeError(thrownError(error))}`);
      this.exitCode ||= exitCode!;
      this.stopped ||= onFailure === 'stop';
      return;
    }
  }

  /** Records what a job reached, and tells it. Throws what `judgedValue` throws. */
  private async note(
    job: QueuedJob,
    finished: FinishedRun,
    status: EndStatus,
    host: RunnerHost,
  ): Promise<void> {
    const { plan, line, project } = this.setting;
    const { num, overrides } = job;
    const record = this.record!;
    const metrics = await reachedValues(finished);
    const { durationSeconds, error } = finished.record;
    let objective: number | null = null;
    try {
      if (plan.objective !== undefined && (status === 'done' || status === 'pruned'))
        objective = judgedValue(metrics, plan.objective, finished);
    } finally {
      record.ended(num, {
        status,
        durationSeconds,
        objective,
        metrics,
        error: status === 'failed' ? error : undefined,
      });
    }
    if (line.log === 'json') {
      const facts = { job: num, overrides, objective: objective ?? undefined, pruned: status === 'pruned' };
      printJson(finished, project, facts);
    }
    host.display.ended(job.label, status, durationSeconds!, detailOf(record.entry(num), plan.objective));
    const { best } = record;
    if (best === undefined) return;
    const results = optimizationResults(plan, { overrides: best.overrides, value: best.objective });
    await writeFile(join(record.folder, 'optimization_results.yaml'), results);
  }
}

function detailOf({ error, objective }: SweepJobEntry, judged: Objective | undefined): string | undefined {
  if (error !== undefined) return error.message.split('\n', 1)[0];
  return objective === null ? undefined : `${judged!.metric} ${Number(objective.toPrecision(6))}`;
}
