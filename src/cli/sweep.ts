import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Objective, optimizationResults, type SweepPlan } from '../config/index.js';
import { describeError } from '../errors.js';
import type { EndStatus } from '../runner/display/display.js';
import { inParallel } from '../runner/in-parallel.js';
import type { Launcher } from '../runner/launchers/launcher.js';
import { oneByOne, type SweepPolicy } from '../runner/launchers/sweep-policy.js';
import { resumePoint } from '../runner/resume-point.js';
import { thrownError } from '../runner/run-record.js';
import type { FinishedRun, RunnerHost } from '../runner/run-stage.js';
import { shortened } from '../runner/shortened.js';
import { createSweepFolder } from '../runner/sweep-folder.js';
import type { SweepJobEntry } from '../runner/sweep-manifest.js';
import { queuedEntry, SweepRecord } from '../runner/sweep-record.js';
import type { CommandLine } from './arguments.js';
import { MedianPruning } from './median-pruning.js';
import { judgedValue, reachedCurve, reachedValues, stepOf } from './objective.js';
import { printJson } from './print-result.js';
import type { Project } from './project.js';
import { ResumedJobs, type ResumedSweep } from './resumed-jobs.js';
import { commandText } from './shell-quote.js';
import { SweepBatches } from './sweep-batches.js';
import { type QueuedJob, runJob, type SweepSubject } from './sweep-job.js';
import { sweepTable } from './sweep-summary.js';

export interface SweepSetting {
  plan: SweepPlan;
  subject: SweepSubject;
  launcher: Launcher;
  startedAt: Date;
  resumed: ResumedSweep | undefined;
  line: CommandLine;
  project: Project;
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
  private readonly batches: SweepBatches;
  private readonly resumed: ResumedJobs | undefined;
  /** How many jobs the sweeper is asked for. The same when resumed, or one that learns would go another way. */
  private readonly atOnce: number;
  /** What is told of jobs that failed for good, once all else is told. */
  private readonly failures: string[] = [];

  constructor(setting: SweepSetting) {
    const { plan, subject, launcher, project, resumed } = setting;
    this.setting = setting;
    this.policy = launcher.sweeps ?? oneByOne;
    this.pruning = plan.objective && new MedianPruning(plan.objective);
    this.resumed = resumed && new ResumedJobs(resumed, plan, this.pruning);
    this.atOnce = resumed?.manifest.sweeper.atOnce ?? this.policy.jobs;
    const { atOnce } = this;
    this.batches = new SweepBatches(plan, subject, project.root, { ...this.policy, atOnce });
  }

  /** Composes the first batch and only then makes the sweep's folder. Says no where there is nothing to run. */
  async prepare(): Promise<boolean> {
    const { plan, project, resumed } = this.setting;
    this.batch = await this.batches.next();
    if (this.batch.length === 0) {
      project.stderr.write('the sweep has no jobs: one of its patterns or ranges is empty\n');
      return false;
    }
    const yaml = plan.master.yaml({ part: 'all' });
    const folder = resumed?.folder ?? (await createSweepFolder(resolve(project.root, plan.directory), yaml));
    if (resumed !== undefined) await writeFile(join(folder, 'multirun.yaml'), yaml);
    this.record = new SweepRecord(folder, this.head(), this.resumed?.rest);
    return true;
  }

  /** Runs all that the sweeper asks for, and gives the exit code. */
  async run(host: RunnerHost): Promise<number> {
    const { sweeper } = this.setting.plan;
    const goesOn = () => !this.stopped && !host.interrupt.requested;
    try {
      for (; this.batch.length > 0; this.batch = await this.batches.next()) {
        const unfinished = await this.queue(this.batch, host);
        await inParallel(unfinished, this.policy.jobs, (job) => this.runJob(job, host, goesOn), goesOn);
        if (!goesOn()) break;
        sweeper.tell(this.record!.tell(this.batch.map(({ num }) => num)));
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
    await record.close(this.exitCode === 0 ? 'done' : this.exitCode === 130 ? 'interrupted' : 'failed');
    const { writeReport } = await import('../report/index.js');
    const report = await writeReport(record.folder).catch(
      (error: unknown) => void project.stderr.write(`no report: ${describeError(error)}\n`),
    );
    if (line.log === 'json') return;
    project.stdout.write(`\n${sweepTable(record, project.root)}`);
    if (report !== undefined) project.stdout.write(`report: ${report}\n`);
    for (const text of this.failures) project.stderr.write(`${text}\n`);
    if (record.manifest.jobs.every(({ status }) => status === 'done' || status === 'pruned')) return;
    const where = shortened(project.root, record.folder);
    project.stderr.write(`go on with what is unfinished: ${commandText(['--resume-sweep', where])}\n`);
  }

  private head() {
    const { plan, subject, launcher, startedAt, line } = this.setting;
    const { objective } = plan;
    return {
      stage: subject.name,
      command: commandText(line.argv),
      words: [...line.argv],
      startedAt: startedAt.toISOString(),
      sweeper: { name: plan.sweeperName, atOnce: this.atOnce },
      swept: plan.swept,
      objective:
        objective === undefined ? null : { metric: objective.metric, direction: objective.direction },
      launcher: { name: launcher.name, ...this.policy },
    };
  }

  /** Notes the jobs of a batch and gives those that are to run. */
  private async queue(batch: readonly QueuedJob[], host: RunnerHost): Promise<QueuedJob[]> {
    const { plan } = this.setting;
    const note = (text: string) => host.display.note(text);
    const entries = (await this.resumed?.entries(batch, note)) ?? batch.map(queuedEntry);
    const record = this.record!;
    record.queue(entries, this.resumed?.rest);
    await this.writeBest();
    if (record.manifest.jobs.length === plan.sweeper.jobs) this.resumed?.tellObsolete(note);
    const left = batch.filter((_, index) => entries[index]!.status === 'queued');
    host.display.waiting?.(left.length);
    return left;
  }

  private async runJob(job: QueuedJob, host: RunnerHost, goesOn: () => boolean): Promise<void> {
    const { retries, onFailure } = this.policy;
    const record = this.record!;
    const started = (folder: string) => {
      record.started(job.num, folder);
      host.display.waiting?.(record.queued);
    };
    for (let attempt = 0; ; attempt++) {
      const from = job.canResume ? this.resumePoint(job, host) : undefined;
      const { finished, status } = await runJob(job, record.folder, host, {
        ...(this.pruning === undefined ? {} : { pruning: this.pruning }),
        started,
        ...(from === undefined ? {} : { from }),
      });
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

  /** The attempt that a job goes on from, told where there is one. */
  private resumePoint({ num, label }: QueuedJob, { display }: RunnerHost): string | undefined {
    const { folder } = this.record!;
    const warn = (text: string) => display.note(`${label}: ${text}`, 'warning');
    const found = resumePoint(this.record!.entry(num).attempts, folder, warn);
    if (found === undefined) return undefined;
    display.note(`${label} goes on from step ${found.step} of ${shortened(folder, found.folder)}`);
    return found.folder;
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
    const metrics = reachedValues(finished);
    await this.rememberReused(finished);
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
    await this.writeBest();
  }

  /** A step that was taken from an earlier run had no events, and its curve counts as any other. */
  private async rememberReused(finished: FinishedRun): Promise<void> {
    const { objective } = this.setting.plan;
    if (objective === undefined || stepOf(finished.record, objective.metric)?.status !== 'skipped') return;
    const curve = await reachedCurve(finished, objective.metric);
    if (curve !== undefined) this.pruning?.remember(curve);
  }

  private async writeBest(): Promise<void> {
    const { plan } = this.setting;
    const { best, folder } = this.record!;
    if (best === undefined) return;
    const results = optimizationResults(plan, { overrides: best.overrides, value: best.objective });
    await writeFile(join(folder, 'optimization_results.yaml'), results);
  }
}

function detailOf({ error, objective }: SweepJobEntry, judged: Objective | undefined): string | undefined {
  if (error !== undefined) return error.message.split('\n', 1)[0];
  return objective === null ? undefined : `${judged!.metric} ${Number(objective.toPrecision(6))}`;
}
