import { type Engine, type Executable, isGpu } from '../engine/index.js';
import { assign, compile, Graph } from '../graph/index.js';

/** What a kind of op took, per step. */
export interface OpTime {
  op: string;
  calls: number;
  seconds: number;
  /** Of the time of all ops. */
  share: number;
  gflops_per_second: number;
  gbytes_per_second: number;
  /** Of what limits it: of the machine's product rate or of its memory bandwidth, whichever it comes nearer to. */
  share_of_peak: number;
}

/** What the machine can do. */
export interface MachinePeaks {
  flopsPerSecond: number;
  bytesPerSecond: number;
}

/** A program of a step, and how often a step runs it. */
export interface TimedPart {
  executable: Executable;
  runs: number;
}

/** Time per kind of op and step, longest first. Profiling must have been on for `steps` steps. */
export function profileByOp(parts: readonly TimedPart[], steps: number, peaks: MachinePeaks): OpTime[] {
  const kinds = new Map<string, { calls: number; seconds: number; flops: number; bytes: number }>();
  for (const { executable, runs } of parts) {
    for (const { index, op, seconds } of executable.profile()) {
      const kind = kinds.get(op) ?? { calls: 0, seconds: 0, flops: 0, bytes: 0 };
      const { flops, bytes } = executable.program.opCosts[index]!;
      kind.calls += runs;
      kind.seconds += seconds / steps;
      kind.flops += runs * flops;
      kind.bytes += runs * bytes;
      kinds.set(op, kind);
    }
  }
  const total = [...kinds.values()].reduce((sum, { seconds }) => sum + seconds, 0);
  return [...kinds]
    .map(([op, { calls, seconds, flops, bytes }]) => ({
      op,
      calls,
      seconds,
      share: seconds / total,
      gflops_per_second: flops / seconds / 1e9,
      gbytes_per_second: bytes / seconds / 1e9,
      share_of_peak: Math.max(flops / seconds / peaks.flopsPerSecond, bytes / seconds / peaks.bytesPerSecond),
    }))
    .sort((a, b) => b.seconds - a.seconds);
}

export function profileTable(profile: readonly OpTime[]) {
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  return {
    type: 'table' as const,
    title: 'Time per op',
    columns: ['op', 'calls', 'ms a step', 'share', 'GFLOP/s', 'GB/s', 'of peak'],
    rows: profile.map((time) => [
      time.op,
      time.calls,
      (time.seconds * 1000).toFixed(2),
      percent(time.share),
      time.gflops_per_second.toFixed(1),
      time.gbytes_per_second.toFixed(1),
      percent(time.share_of_peak),
    ]),
  };
}

/** Elements of the copied array: 64 MiB, more than caches hold. */
const copiedElements = 1 << 24;

/** Bytes per second, read and written together, of copying a large array: what memory-bound ops are measured against. */
export async function measureBandwidth(
  engine: Engine,
  { device, threads }: { device: string; threads: number },
): Promise<number> {
  if (isGpu(device)) return engine.gpuRates(device).bytesPerSecond;
  const graph = new Graph();
  const shape = [copiedElements];
  assign(graph.state('to', 'f32', shape), graph.state('from', 'f32', shape));
  const program = compile(graph, { threads });
  const session = engine.session({ device: 'cpu', threads });
  try {
    for (const { name, dtype } of program.states) session.setState(name, dtype, shape, null);
    const copy = session.load(program);
    let best = Infinity;
    for (let round = 0; round < 8; round += 1) {
      const started = performance.now();
      await copy.run({});
      best = Math.min(best, (performance.now() - started) / 1000);
    }
    return program.cost.bytes / best;
  } finally {
    session.close();
  }
}
