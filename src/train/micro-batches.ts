import { isCpu } from '../engine/index.js';
import { SluiceError } from '../errors.js';
import { planRecord } from './plan-record.js';
import { buildStep, programsOfStep, type StepOptions, type StepPrograms } from './step.js';

/** How many equal parts the rows of a step go through the model in; `auto`: as many as cost nearly nothing. */
export type MicroBatches = 'auto' | number;

export interface CutStep {
  microBatches: number;
  programs: StepPrograms;
}

export type CutStepOptions = Omit<StepOptions, 'batch' | 'accumulation'> & {
  /** Of a whole step. */
  rows: number;
};

/**
 * Tokens of a pass from which on the CPU's products are as fast as they get, and the share of time that halving them below
 * costs; measured with llama_small (docs/performance.md).
 */
const fullSpeed = {
  fp32: { tokens: 512, perHalving: 0.05 },
  bf16: { tokens: 2048, perHalving: 0.04 },
};

/** The share of a step's time that passes of so few tokens take on top. */
function slowdown(tokens: number, dtype: 'fp32' | 'bf16'): number {
  const { tokens: least, perHalving } = fullSpeed[dtype];
  return Math.max(0, perHalving * Math.log2(least / tokens));
}

/** The most parts that the rows of a step can go through the CPU in at full speed. */
export function freeCut({ rows, length, dtype }: Pick<CutStepOptions, 'rows' | 'length' | 'dtype'>): number {
  return divisors(rows).findLast((parts) => slowdown((rows / parts) * length, dtype) === 0) ?? 1;
}

/** The programs of a step cut as a config says. Throws `config.micro_batches` where its rows cannot be cut so. */
export function cutStep(setting: MicroBatches, device: string, options: CutStepOptions): CutStep {
  // a GPU wants as many rows at once as it can get
  if (setting === 'auto') return isCpu(device) ? cheapestCut(options) : cut(options, 1);
  const { rows } = options;
  if (rows % setting !== 0) {
    throw new SluiceError(
      'config.micro_batches',
      `micro_batches=${setting} does not divide the ${rows} rows of a step`,
      { hint: `it can be auto, ${divisors(rows).join(', ')}` },
    );
  }
  return cut(options, setting);
}

/**
 * The programs of a step cut into micro-batches: of all ways that divide its rows the one that costs least time, what is
 * computed again counted, and fits the budget; among equals the smallest. Where none fits, the smallest of all.
 */
function cheapestCut(options: CutStepOptions): CutStep {
  const { rows, length, dtype, memoryBudget = Infinity } = options;
  const cuts = divisors(rows)
    .map((microBatches) => ({ microBatches, slowdown: slowdown((rows / microBatches) * length, dtype) }))
    .sort((a, b) => a.slowdown - b.slowdown || b.microBatches - a.microBatches);
  let best: (CutStep & { cost: number; bytes: number }) | null = null;
  for (const { microBatches, slowdown: slower } of cuts) {
    if (best !== null && best.bytes <= memoryBudget && slower - best.cost > noticeable) break;
    const { programs } = cut(options, microBatches);
    const all = programsOfStep(programs);
    const { cost, recomputed } = all[0]!;
    const made = {
      microBatches,
      programs,
      cost: slower + recomputed.flops / cost.flops,
      bytes: planRecord(all, null).planned_bytes,
    };
    if (best === null || isBetter(made, best, memoryBudget)) best = made;
  }
  return best!;
}

const cut = ({ rows, ...options }: CutStepOptions, microBatches: number): CutStep => ({
  microBatches,
  programs: buildStep({ ...options, batch: rows / microBatches, accumulation: microBatches }),
});

/** A share of a step's time that is too small to count. */
const noticeable = 0.01;

interface Cut {
  /** Share of a step's time on top of one that is not cut and computes nothing again. */
  cost: number;
  bytes: number;
}

function isBetter(made: Cut, best: Cut, budget: number): boolean {
  const fits = made.bytes <= budget;
  if (fits !== best.bytes <= budget) return fits;
  const costs = fits && Math.abs(made.cost - best.cost) > noticeable;
  return costs ? made.cost < best.cost : made.bytes < best.bytes;
}

const divisors = (rows: number): number[] =>
  Array.from({ length: rows }, (_, index) => index + 1).filter((count) => rows % count === 0);
