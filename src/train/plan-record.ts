import type { Session } from '../engine/index.js';
import { type Program, typeBytes } from '../graph/index.js';

/** plan.json: what a run will need, known before its first step. */
export interface PlanRecord {
  /** flops: of the formulas; recomputed_flops: on top of them, to save memory. */
  programs: {
    ops: number;
    arena_bytes: number;
    input_bytes: number;
    flops: number;
    recomputed_flops: number;
    bytes: number;
  }[];
  /** Weights, moments and other named states. */
  state_bytes: number;
  /** One arena serves all programs of a session. */
  arena_bytes: number;
  /** States, arena and the inputs of all programs: what the process needs beyond itself. */
  planned_bytes: number;
}

export function planRecord(programs: readonly Program[], session: Session | null): PlanRecord {
  const states = new Map<string, number>();
  for (const { name, bytes } of session?.states() ?? []) states.set(name, bytes);
  for (const program of programs) {
    for (const state of program.states) states.set(state.name, typeBytes(state));
  }
  const stateBytes = [...states.values()].reduce((sum, bytes) => sum + bytes, 0);
  const arenaBytes = Math.max(...programs.map((program) => program.arenaBytes));
  const inputBytes = programs.reduce((sum, program) => sum + program.inputBytes, 0);
  return {
    programs: programs.map((program) => ({
      ops: program.ops.length,
      arena_bytes: program.arenaBytes,
      input_bytes: program.inputBytes,
      flops: program.cost.flops,
      recomputed_flops: program.recomputed.flops,
      bytes: program.cost.bytes,
    })),
    state_bytes: stateBytes,
    arena_bytes: arenaBytes,
    planned_bytes: stateBytes + arenaBytes + inputBytes,
  };
}
