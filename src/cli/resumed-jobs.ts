import type { SweepPlan } from '../config/index.js';
import { EarlierJobs } from '../runner/earlier-jobs.js';
import type { FinishedRun } from '../runner/run-stage.js';
import type { SweepJobEntry, SweepManifest } from '../runner/sweep-manifest.js';
import { queuedEntry } from '../runner/sweep-record.js';
import type { MedianPruning } from './median-pruning.js';
import { judgedValue, reachedCurve, reachedValues } from './objective.js';
import type { QueuedJob } from './sweep-job.js';
import { sweptTexts } from './sweep-summary.js';

/** A sweep to go on with: its folder, absolute, and what it said of itself. */
export interface ResumedSweep {
  folder: string;
  manifest: SweepManifest;
}

/** Finds the jobs of a sweep among those of earlier commands on its folder, and says how they differ. */
export class ResumedJobs {
  private readonly plan: SweepPlan;
  private readonly pruning: MedianPruning | undefined;
  private readonly earlier: EarlierJobs;
  private readonly judgedAsBefore: boolean;

  constructor({ folder, manifest }: ResumedSweep, plan: SweepPlan, pruning: MedianPruning | undefined) {
    const { objective } = manifest;
    this.plan = plan;
    this.pruning = pruning;
    this.earlier = new EarlierJobs(folder, manifest);
    this.judgedAsBefore =
      objective?.metric === plan.objective?.metric && objective?.direction === plan.objective?.direction;
  }

  /** Those that no batch has had so far. */
  get rest(): readonly SweepJobEntry[] {
    return this.earlier.rest;
  }

  /** What the manifest says of the jobs of a batch. Throws what `judgedValue` throws. */
  async entries(batch: readonly QueuedJob[], note: (text: string) => void): Promise<SweepJobEntry[]> {
    const entries: SweepJobEntry[] = [];
    const fresh: QueuedJob[] = [];
    for (const job of batch) {
      const known = await this.known(job);
      if (known === undefined) fresh.push(job);
      entries.push(known ?? queuedEntry(job));
    }
    // A search that goes on where it ended has new jobs all the time.
    if (fresh.length < batch.length || this.rest.length > 0) this.tellFresh(fresh, note);
    return entries;
  }

  /** Says which earlier jobs have no place in the sweep any more. */
  tellObsolete(note: (text: string) => void): void {
    const names = this.rest.map((entry) => nameOf(entry, this.plan));
    if (names.length > 0) note(`no longer part of the sweep, their folders stay: ${listed(names)}`);
  }

  private async known(job: QueuedJob): Promise<SweepJobEntry | undefined> {
    const { num, overrides, threads, configSha256 } = job;
    const found = this.earlier.take(configSha256);
    if (found === undefined) return undefined;
    const entry = { ...found.entry, num, overrides };
    if (!this.judgedAsBefore) delete entry.told;
    if (found.finished === undefined) return { ...entry, threads };
    const { objective } = this.plan;
    entry.metrics = reachedValues(found.finished);
    entry.objective = objective === undefined ? null : judgedValue(entry.metrics, objective, found.finished);
    if (this.pruning !== undefined) await this.remember(found.finished, this.pruning);
    return entry;
  }

  private async remember(finished: FinishedRun, pruning: MedianPruning): Promise<void> {
    const curve = await reachedCurve(finished, this.plan.objective!.metric);
    if (curve !== undefined) pruning.remember(curve);
  }

  private tellFresh(fresh: readonly QueuedJob[], note: (text: string) => void): void {
    const before = new Set(this.rest.map(({ overrides }) => overrides.join('\n')));
    const changed = fresh.filter(({ overrides }) => before.has(overrides.join('\n')));
    const added = fresh.filter((job) => !changed.includes(job));
    const names = (jobs: readonly QueuedJob[]) => listed(jobs.map(({ label }) => label));
    if (changed.length > 0)
      note(`the config behind the same overrides has changed, these run anew: ${names(changed)}`);
    if (added.length > 0) note(`new in the sweep: ${names(added)}`);
  }
}

const nameOf = ({ num, overrides }: SweepJobEntry, { swept }: SweepPlan) =>
  [`#${num}`, ...sweptTexts(swept, overrides)].join(' ');

function listed(names: readonly string[]): string {
  const most = 8;
  const shown = names.slice(0, most).join(', ');
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}
