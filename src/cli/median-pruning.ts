import type { Objective } from '../config/index.js';
import type { TelemetryEvent } from '../telemetry/event.js';
import { median } from '../telemetry/median.js';

/**
 * Tells which jobs of a sweep are not worth their end, by the median rule (Golovin et al. 2017, "Google Vizier"): a job
 * whose best value so far is worse than the median of what the others had at the same step, as far as they got there.
 */
export class MedianPruning {
  private readonly objective: Objective;
  private readonly sign: 1 | -1;
  /** Values by step of each job, also of those still running; the lower the better. */
  private readonly jobs: Map<number, number>[] = [];

  constructor(objective: Objective) {
    this.objective = objective;
    this.sign = objective.direction === 'maximize' ? -1 : 1;
  }

  /** Takes over the curve of a job that has ended; NaN and infinities are null in it. */
  remember({ steps, values }: { steps: readonly number[]; values: readonly (number | null)[] }): void {
    const { sign } = this;
    this.jobs.push(
      new Map(
        steps.flatMap((step, index) => {
          const value = values[index] ?? null;
          return value === null ? [] : [[step, sign * value] as const];
        }),
      ),
    );
  }

  /** Follows one job: for each of its events, whether it should end now. Its values count for the others. */
  follow(): (event: TelemetryEvent) => boolean {
    const { metric, pruneAfter } = this.objective;
    const needed = pruneAfter ?? Number.POSITIVE_INFINITY;
    const { sign } = this;
    const own = new Map<number, number>();
    this.jobs.push(own);
    let best = Number.POSITIVE_INFINITY;
    return (event) => {
      const value = event.type === 'metrics' ? event.values[metric] : undefined;
      if (event.type !== 'metrics' || value === undefined) return false;
      if (Number.isFinite(value)) own.set(event.step, sign * value);
      best = Math.min(best, own.get(event.step) ?? best);
      const others = this.jobs.flatMap((job) => (job === own ? [] : (job.get(event.step) ?? [])));
      return others.length >= needed && best > median(others);
    };
  }
}
