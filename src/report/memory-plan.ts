import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** `plan.json`: what the programs of a stage were planned to take, written before the first step. All in bytes. */
export interface MemoryPlan {
  programs: PlannedProgram[];
  /** Weights, optimizer moments, caches: shared by all programs of the session. */
  stateBytes: number | null;
  /** Of the largest program: programs of a session share one arena. */
  arenaBytes: number | null;
  plannedBytes: number | null;
}

export interface PlannedProgram {
  name: string;
  ops: number | null;
  arenaBytes: number | null;
  flops: number | null;
  /** The arena in program order; null in plans that do not say. */
  held: { stretch: number; bytes: number[] } | null;
  /** The op that needs most: `op 512: matmul layers.3.mlp`. */
  peakOp: string | null;
}

/** The plan a stage wrote; null where there is none or it cannot be read. */
export async function readMemoryPlan(path: string): Promise<MemoryPlan | null> {
  if (!existsSync(path)) return null;
  let plan: Record<string, unknown>;
  try {
    plan = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  } catch {
    return null;
  }
  const programs = Array.isArray(plan.programs) ? (plan.programs as Record<string, unknown>[]) : [];
  return {
    programs: programs.map((program, index) => ({
      name: typeof program.name === 'string' ? program.name : `program ${index + 1}`,
      ops: count(program.ops),
      arenaBytes: count(program.arena_bytes),
      flops: count(program.flops),
      held: heldOf(program.held),
      peakOp: peakOpOf(program.peak_op),
    })),
    stateBytes: count(plan.state_bytes),
    arenaBytes: count(plan.arena_bytes),
    plannedBytes: count(plan.planned_bytes),
  };
}

function heldOf(held: unknown): PlannedProgram['held'] {
  const { stretch, bytes } = (held ?? {}) as { stretch?: unknown; bytes?: unknown };
  if (!count(stretch) || !Array.isArray(bytes) || bytes.length === 0) return null;
  const amounts = bytes.map(count);
  return amounts.includes(null) ? null : { stretch: stretch as number, bytes: amounts as number[] };
}

function peakOpOf(peak: unknown): string | null {
  const { index, op, scope } = (peak ?? {}) as { index?: unknown; op?: unknown; scope?: unknown };
  if (count(index) === null || typeof op !== 'string') return null;
  return `op ${index}: ${op} ${typeof scope === 'string' ? scope : ''}`.trimEnd();
}

function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;
}
