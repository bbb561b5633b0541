import { setTimeout } from 'node:timers/promises';
import { isCpu, openEngine, type Session } from '../engine/index.js';
import { SluiceError } from '../errors.js';
import type { PlanRecord } from './plan-record.js';

/** What a plan may take of what is free: the rest is for what no plan counts, such as the batches being read. */
const usableShare = 0.95;

/**
 * Bytes that a run's states and intermediates may take: `configured`, or what the machine, or the session's GPU, has free beside the states
 * that the session holds already.
 */
export function memoryBudget(
  configured: number | null,
  session: Session | null,
  available = session && session.device !== 'cpu' ? session.bytes().available : process.availableMemory(),
): number {
  return configured ?? Math.floor(usableShare * (available + (session?.bytes().states ?? 0)));
}

/** What a plan may count on before a run opens its device. */
export interface FreeMemory {
  /** What `memoryBudget` takes of `configured`, with nothing held yet. */
  budget: number;
  /** The device whose memory that is, or why it is the host's. */
  of: string;
}

/** The memory free now on the device that a config names; the host's where that cannot be opened. */
export async function freeMemory(device: string, configured: number | null): Promise<FreeMemory> {
  if (configured !== null) return { budget: configured, of: 'memory_budget' };
  if (isCpu(device)) return { budget: memoryBudget(null, null), of: 'cpu' };
  try {
    const session = (await openEngine()).session({ device, threads: 1 });
    try {
      return { budget: memoryBudget(null, session), of: session.device };
    } finally {
      session.close();
    }
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    return {
      budget: memoryBudget(null, null),
      of: `the host, for ${device} does not open: ${error.message}`,
    };
  }
}

/** A change of a config that would do, and what the run would then need. */
export interface Fitting {
  setting: string;
  plannedBytes: number;
}

/**
 * Lets go of what planning and initialising left in the JavaScript heap, 10 to 20 MB that would stay for hours: training
 * itself makes too little for V8 to clean up. Takes some 60 ms. Only a stage's process can (runner/launchers/local.ts).
 */
export async function collectGarbage(): Promise<void> {
  if (globalThis.gc === undefined) return;
  globalThis.gc();
  globalThis.gc(); // gives back the pages that the first emptied, by a thread of V8's
  await setTimeout(20);
}

const gigabytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(2)} GiB`;

/**
 * Refuses a run that does not fit, before its first step. Throws `engine.memory` with what `whatWouldFit` gives, which is
 * only asked then.
 */
export function checkMemory(plan: PlanRecord, budget: number, whatWouldFit: () => readonly Fitting[]): void {
  if (plan.planned_bytes <= budget) return;
  const settings = whatWouldFit().map((fitting) => `${fitting.setting} (${gigabytes(fitting.plannedBytes)})`);
  throw new SluiceError(
    'engine.memory',
    `the run needs ${gigabytes(plan.planned_bytes)} (weights and moments ${gigabytes(plan.state_bytes)}, intermediates ${gigabytes(plan.arena_bytes)}), and ${gigabytes(budget)} may be used`,
    {
      hint:
        settings.length > 0
          ? `any of these fits: ${settings.join('; ')}`
          : 'no batch size or length fits: use a smaller model, or adapters (training.peft_mode=lora)',
    },
  );
}
