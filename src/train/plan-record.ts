import type { Session } from '../engine/index.js';
import { SluiceError } from '../errors.js';
import { elementCount, type Program } from '../graph/index.js';

/** plan.json: what a run will need, known before its first step. */
export interface PlanRecord {
  programs: { ops: number; arena_bytes: number; input_bytes: number; flops: number; bytes: number }[];
  /** Weights, moments and other named states. */
  state_bytes: number;
  /** One arena serves all programs of a session. */
  arena_bytes: number;
  planned_bytes: number;
}

export function planRecord(programs: readonly Program[], session: Session | null): PlanRecord {
  const states = new Map<string, number>();
  for (const { name, bytes } of session?.states() ?? []) states.set(name, bytes);
  for (const program of programs) {
    for (const { name, shape } of program.states) states.set(name, 4 * elementCount(shape));
  }
  const stateBytes = [...states.values()].reduce((sum, bytes) => sum + bytes, 0);
  const arenaBytes = Math.max(...programs.map((program) => program.arenaBytes));
  return {
    programs: programs.map((program) => ({
      ops: program.ops.length,
      arena_bytes: program.arenaBytes,
      input_bytes: program.inputBytes,
      flops: program.cost.flops,
      bytes: program.cost.bytes,
    })),
    state_bytes: stateBytes,
    arena_bytes: arenaBytes,
    planned_bytes: stateBytes + arenaBytes,
  };
}

/** Refuses a run that does not fit, before its first step. Throws `engine.memory` with the setting that would fit. */
export function checkMemory(
  plan: PlanRecord,
  perDeviceBatchSize: number,
  available = process.availableMemory(),
): void {
  if (plan.planned_bytes <= available) return;
  const gigabytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(2)} GiB`;
  // intermediates grow with the rows of a pass, states do not
  const fitting = Math.floor(((available - plan.state_bytes) / plan.arena_bytes) * perDeviceBatchSize);
  throw new SluiceError(
    'engine.memory',
    `the run needs ${gigabytes(plan.planned_bytes)} (weights and moments ${gigabytes(plan.state_bytes)}, intermediates ${gigabytes(plan.arena_bytes)}), and ${gigabytes(available)} are free`,
    {
      hint:
        fitting >= 1
          ? `training.per_device_batch_size=${fitting} would fit`
          : 'no batch size fits: use a smaller model, or adapters (training.peft_mode=lora)',
    },
  );
}
