import { type Peak, peakOf } from './peak.js';
import type { Program, ProgramOp } from './program.js';
import { isRecomputed } from './scope.js';
import { formatShape } from './shape.js';

/** What `plan.json` of a run folder holds about one program. */
export interface PlanSummary {
  readonly name: string;
  readonly threads: number;
  readonly stateBytes: number;
  readonly inputBytes: number;
  readonly arenaBytes: number;
  readonly plannedBytes: number;
  readonly flops: number;
  /** Bytes the ops read and write in one run. */
  readonly trafficBytes: number;
  readonly ops: number;
}

export function summarizePlan(name: string, program: Program): PlanSummary {
  const { threads, stateBytes, inputBytes, arenaBytes, cost, ops } = program;
  return {
    name,
    threads,
    stateBytes,
    inputBytes,
    arenaBytes,
    plannedBytes: stateBytes + inputBytes + arenaBytes,
    flops: cost.flops,
    trafficBytes: cost.bytes,
    ops: ops.length,
  };
}

/** The plan of a program for people: memory, cost, the ops that cost most and, with `everyOp`, all of them in order. */
export function describePlan(name: string, program: Program, options: { everyOp?: boolean } = {}): string {
  const plan = summarizePlan(name, program);
  const lines = [
    `${name}: ${plan.ops} ops, ${plan.threads} threads`,
    `  states  ${formatBytes(plan.stateBytes)} (${program.states.length})`,
    `  inputs  ${formatBytes(plan.inputBytes)} (${program.inputs.map((input) => input.name).join(', ') || 'none'})`,
    `  arena   ${formatBytes(plan.arenaBytes)}`,
    `  planned ${formatBytes(plan.plannedBytes)}`,
    `  cost    ${formatCount(plan.flops)}FLOP, ${formatBytes(plan.trafficBytes)} moved per run`,
    ...recomputationLine(program),
    '',
    ...table(['op', 'times', 'FLOP', 'share', 'moved'], costByOp(program)),
    ...peakLines(program),
  ];
  if (options.everyOp ?? true)
    lines.push('', ...table(['#', 'op', 'scope', 'result', 'FLOP', 'moved'], opRows(program)));
  return `${lines.join('\n')}\n`;
}

function recomputationLine({ ops, cost, recomputed }: Program): string[] {
  const count = ops.filter(({ scope }) => isRecomputed(scope)).length;
  if (count === 0) return [];
  const share = cost.flops === 0 ? 0 : (100 * recomputed.flops) / cost.flops;
  return [
    `  again   ${formatCount(recomputed.flops)}FLOP in ${count} recomputed ops, ${share.toFixed(1)} % on top`,
  ];
}

/** Where most memory is needed, and what holds it. */
function peakLines(program: Program): string[] {
  const peak = peakOf(program);
  if (peak === null) return [];
  const { op, scope } = program.ops[peak.index]!;
  const title = `  peak    ${formatBytes(peak.bytes)} at op ${peak.index} of ${program.ops.length}: ${op} ${scope}`;
  return [
    '',
    title.trimEnd(),
    ...table(['held', 'bytes', 'results', 'made in'], largestHolders(program, peak)),
  ];
}

const shownHolders = 12;

/** What is held at the peak, by op, place (layers together) and type. */
function largestHolders(program: Program, peak: Peak): string[][] {
  const groups = new Map<string, { row: [string, string]; bytes: number; count: number }>();
  const add = (name: string, scope: string, bytes: number) => {
    const place = scope.replace(/\.\d+(?=\.|$| )/, '.*');
    const group = groups.get(`${name} ${place}`) ?? { row: [name, place], bytes: 0, count: 0 };
    groups.set(`${name} ${place}`, { ...group, bytes: group.bytes + bytes, count: group.count + 1 });
  };
  for (const { op, type, bytes } of peak.holders) {
    add(`${op.op} ${type.dtype}${formatShape(type.shape)}`, op.scope, bytes);
  }
  if (peak.scratch > 0) add('scratch', program.ops[peak.index]!.scope, peak.scratch);
  return [...groups.values()]
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, shownHolders)
    .map(({ row: [name, place], bytes, count }) => [name, formatBytes(bytes), String(count), place]);
}

function costByOp({ ops, opCosts, cost, recomputed }: Program): string[][] {
  const allFlops = cost.flops + recomputed.flops;
  const groups = new Map<string, { times: number; flops: number; bytes: number }>();
  ops.forEach(({ op }, index) => {
    const { times, flops, bytes } = groups.get(op) ?? { times: 0, flops: 0, bytes: 0 };
    const here = opCosts[index]!;
    groups.set(op, { times: times + 1, flops: flops + here.flops, bytes: bytes + here.bytes });
  });
  return [...groups]
    .sort(([, a], [, b]) => b.flops - a.flops || b.bytes - a.bytes)
    .map(([op, { times, flops, bytes }]) => {
      const share = allFlops === 0 ? 0 : (100 * flops) / allFlops;
      return [op, String(times), formatCount(flops), `${share.toFixed(1)} %`, formatBytes(bytes)];
    });
}

function opRows(program: Program): string[][] {
  return program.ops.map((op, index) => {
    const { flops, bytes } = program.opCosts[index]!;
    return [String(index), op.op, op.scope, resultOf(program, op), formatCount(flops), formatBytes(bytes)];
  });
}

/** Type of the first output; for a change of state the state's name. */
function resultOf({ values }: Program, { inputs, outputs }: ProgramOp): string {
  const output = outputs.find((id) => id !== null);
  if (output !== undefined) return `${values[output]!.dtype}${formatShape(values[output]!.shape)}`;
  const target = values[inputs[0]!]!;
  return target.kind === 'state' ? `-> ${target.name}` : '';
}

/** Columns as wide as they need to be. */
function table(titles: string[], rows: string[][]): string[] {
  const widths = titles.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length)),
  );
  return [titles, ...rows].map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')}`.trimEnd(),
  );
}

/** `1.5 MiB` */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  return `${scaled(bytes / 1024 ** power, power)} ${units[power]}`;
}

/** `1.5 G`, to be followed by a unit. */
function formatCount(count: number): string {
  const units = ['', 'k', 'M', 'G', 'T', 'P'];
  const power = Math.min(units.length - 1, count < 1 ? 0 : Math.floor(Math.log10(count) / 3));
  return `${scaled(count / 1000 ** power, power)} ${units[power]}`;
}

const scaled = (value: number, power: number) =>
  power === 0 ? String(Math.round(value)) : value.toPrecision(3);
