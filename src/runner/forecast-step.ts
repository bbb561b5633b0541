import type { EarlierRuns } from './earlier-runs.js';
import { reachedRate } from './reached-rate.js';
import type { FinishedRun } from './run-stage.js';
import type { StagePlan } from './stage.js';

/** How long a step will take, and where that comes from. */
export interface TimeEstimate {
  seconds: number | null;
  from: string;
}

/** Share of the measured product rate that training reaches where no run has shown it: docs/performance.md has 0.5 to 0.8. */
const typicalMfu = 0.6;

/**
 * From the best there is: an earlier run of the same config; the step's FLOPs at the rate that the largest of the latest runs
 * reached (of the stage, or of any), or at a typical share of the product rate measured now; the latest run of the stage.
 */
export function estimateTime(
  stage: string,
  {
    sameConfig,
    plan,
    earlier,
    peakFlops,
  }: {
    sameConfig: FinishedRun | undefined;
    plan: StagePlan | undefined;
    earlier: EarlierRuns;
    /** FLOP/s of products, where one of the plans so far measured it. */
    peakFlops: number | undefined;
  },
): TimeEstimate {
  if (sameConfig !== undefined) {
    const { durationSeconds, id } = sameConfig.record;
    return { seconds: durationSeconds, from: `as ${id} took, of the same config` };
  }
  const latest = earlier.latestOf(stage);
  if (plan?.flops !== undefined) {
    const fast = earlier.mostComputed(stage) ?? earlier.mostComputed();
    if (fast !== undefined) {
      const rate = reachedRate(fast.record)!;
      return { seconds: plan.flops / rate, from: `${gigaflops(rate)}, as ${fast.record.id} reached` };
    }
    if (peakFlops !== undefined) {
      const rate = typicalMfu * peakFlops;
      const percent = Math.round(100 * typicalMfu);
      return {
        seconds: plan.flops / rate,
        from: `${gigaflops(rate)}: ${percent} % of the product rate measured now`,
      };
    }
  }
  if (latest !== undefined) {
    const { durationSeconds, id } = latest.record;
    return { seconds: durationSeconds, from: `as ${id} took, of another config` };
  }
  return { seconds: null, from: 'its stage has not run here yet' };
}

const gigaflops = (rate: number) => `at ${(rate / 1e9).toPrecision(3)} GFLOP/s`;
