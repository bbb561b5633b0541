import { join, relative, resolve } from 'node:path';
import type { JobOverrides, SweepJob, SweepPlan } from '../config/index.js';
import { configHash } from '../runner/config-hash.js';
import { overrideText } from '../runner/pipeline-plan.js';
import type { QueuedJob, ReadyJob, SweepSubject } from './sweep-job.js';
import { sweptTexts } from './sweep-summary.js';

/** The jobs of a sweep as its sweeper asks for them, composed and checked. */
export class SweepBatches {
  private readonly plan: SweepPlan;
  private readonly subject: SweepSubject;
  private readonly root: string;
  private readonly atOnce: number;
  private readonly threads: number | null;
  private composed = 0;

  /** @param atOnce how many jobs the sweeper is asked for. @param threads of each job whose config leaves them null */
  constructor(
    plan: SweepPlan,
    subject: SweepSubject,
    root: string,
    { atOnce, threads }: { atOnce: number; threads: number | null },
  ) {
    this.plan = plan;
    this.subject = subject;
    this.root = root;
    this.atOnce = atOnce;
    this.threads = threads;
  }

  /** Empty where there are no more. Throws one SluiceError with all that is wrong with any of the jobs. */
  async next(): Promise<QueuedJob[]> {
    const { plan } = this;
    const asked = plan.sweeper.ask(this.atOnce) ?? [];
    const jobs = asked.map((overrides, index) => this.composeJob(this.composed + index, overrides));
    this.composed += jobs.length;
    const ready = await this.subject.ready(jobs, plan.objective);
    return jobs.map((job, index): QueuedJob => {
      const { num, overrides, threads } = job;
      const { config } = ready[index]!;
      const label = [`#${num}`, ...sweptTexts(plan.swept, overrides)].join(' ');
      const configSha256 = configHash(threads === null ? config : withoutThreads(config, threads));
      return {
        num,
        overrides,
        threads,
        configSha256,
        label,
        canResume: config.resume === null,
        start: async (folder, host, started, from) => {
          const run = from === undefined ? ready[index]! : await this.resumed(job, from);
          return run.start({ wantedFolder: this.folderOf(job, folder), label }, host, started);
        },
      };
    });
  }

  // What the launcher gives a job is an override like another: recorded with the run, and there when it is run again.
  private composeJob(num: number, overrides: JobOverrides): SweepJob & { threads: number | null } {
    const { plan, threads } = this;
    const job = plan.job(num, overrides);
    if (threads === null || job.composed.value('threads') !== null) return { ...job, threads: null };
    return { ...job.with([`threads=${threads}`]), overrides, threads };
  }

  private async resumed(job: SweepJob, from: string): Promise<ReadyJob> {
    const override = `resume=${overrideText(relative(this.root, from))}`;
    const [ready] = await this.subject.ready([job.with([override])], this.plan.objective);
    return ready!;
  }

  // Its own hydra.sweep.dir, where that depends on what is swept; else the folder that the sweep got.
  private folderOf({ directory, subdirectory }: SweepJob, sweepFolder: string): string {
    const own = resolve(this.root, directory);
    return join(own === resolve(this.root, this.plan.directory) ? sweepFolder : own, subdirectory);
  }
}

/** A config before the launcher gave it so many threads, which the steps of a pipeline take over. */
function withoutThreads(config: unknown, threads: number): unknown {
  if (Array.isArray(config)) return config.map((each) => withoutThreads(each, threads));
  if (typeof config !== 'object' || config === null) return config;
  const entries = Object.entries(config).map(([key, value]) =>
    key === 'threads' && value === threads ? [key, null] : [key, withoutThreads(value, threads)],
  );
  return Object.fromEntries(entries);
}
