import type { Session } from '../engine/index.js';
import { heldBytes, type Program, typeBytes } from '../graph/index.js';

/** plan.json: what a run will need, known before its first step. */
export interface PlanRecord {
  /** flops: of the formulas; recomputed_flops: on top of them, to save memory. */
  programs: {
    name?: string;
    ops: number;
    arena_bytes: number;
    input_bytes: number;
    flops: number;
    recomputed_flops: number;
    bytes: number;
    /** What of the arena is held in program order: the most in each stretch of `stretch` ops. */
    held: { stretch: number; bytes: number[] };
    /** The op that needs most, and where in the model it is. */
    peak_op: { index: number; op: string; scope: string };
  }[];
  /** Weights, moments and other named states. */
  state_bytes: number;
  /** One arena serves all programs of a session. */
  arena_bytes: number;
  /** States, arena and the inputs of all programs: what the process needs beyond itself. */
  planned_bytes: number;
}

/** So many stretches at most: more no picture shows. */
const STRETCHES = 240;

export function planRecord(
  programs: readonly Program[],
  session: Session | null,
  names: readonly string[] = [],
): PlanRecord {
  const states = new Map<string, number>();
  for (const { name, bytes } of session?.states() ?? []) states.set(name, bytes);
  for (const program of programs) {
    for (const state of program.states) states.set(state.name, typeBytes(state));
  }
  const stateBytes = [...states.values()].reduce((sum, bytes) => sum + bytes, 0);
  const arenaBytes = Math.max(...programs.map((program) => program.arenaBytes));
  const inputBytes = programs.reduce((sum, program) => sum + program.inputBytes, 0);
  return {
    programs: programs.map((program, index) => ({
      ...(names[index] !== undefined && { name: names[index] }),
      ops: program.ops.length,
      arena_bytes: program.arenaBytes,
      input_bytes: program.inputBytes,
      flops: program.cost.flops,
      recomputed_flops: program.recomputed.flops,
      bytes: program.cost.bytes,
      ...heldOver(program),
    })),
    state_bytes: stateBytes,
    arena_bytes: arenaBytes,
    planned_bytes: stateBytes + arenaBytes + inputBytes,
  };
}

function heldOver(program: Program): Pick<PlanRecord['programs'][number], 'held' | 'peak_op'> {
  const all = heldBytes(program);
  const stretch = Math.ceil(all.length / STRETCHES) || 1;
  const bytes = Array.from({ length: Math.ceil(all.length / stretch) }, (_, index) =>
    Math.max(...all.slice(index * stretch, (index + 1) * stretch)),
  );
  const index = all.indexOf(Math.max(...bytes));
  const { op, scope } = program.ops[index] ?? { op: '', scope: '' };
  return { held: { stretch, bytes }, peak_op: { index, op, scope } };
}
