import type { Program, ProgramOp } from '../graph/index.js';

/** A machine by what limits a program on it (configs/machine). */
export interface Machine {
  name: string;
  memory_bytes: number;
  /** Of a large copy, reads and writes counted. */
  bytes_per_second: number;
  f32_flops: number;
  bf16_flops: number;
}

/** What a kind of op would take in one run. */
export interface OpForecast {
  op: string;
  calls: number;
  flops: number;
  bytes: number;
  seconds: number;
  /** Of those seconds, how many are of ops that arithmetic limits and not bytes. */
  arithmeticSeconds: number;
}

/** A program of a step, and how often a step runs it. */
export interface StepPart {
  program: Program;
  runs: number;
}

export interface Prediction {
  /** Of the formulas; recomputation counts once. */
  flops: number;
  /** Every op at the machine's limit: the sum of max(FLOPs / rate, bytes / bandwidth). Gaps and launches are left out. */
  seconds: number;
  /** All FLOPs at the machine's rates, as if bytes moved in no time. */
  arithmeticSeconds: number;
  /** All bytes that the ops read and write at its bandwidth, as if arithmetic took no time. */
  byteSeconds: number;
  /** Longest first. */
  ops: OpForecast[];
}

/** The time of a step's programs on `machine`, which need not be there. An op of bf16 operands has the rate of bf16. */
export function predict(parts: readonly StepPart[], machine: Machine): Prediction {
  const kinds = new Map<string, OpForecast>();
  const all = { flops: 0, seconds: 0, arithmeticSeconds: 0, byteSeconds: 0 };
  const add = ({ program, runs }: StepPart, { op, inputs }: ProgramOp, index: number): void => {
    const { flops, bytes } = program.opCosts[index]!;
    const narrow = inputs.some((id) => id !== null && program.values[id]!.dtype === 'bf16');
    const arithmetic = flops / (narrow ? machine.bf16_flops : machine.f32_flops);
    const moving = bytes / machine.bytes_per_second;
    const seconds = Math.max(arithmetic, moving);
    const kind = kinds.get(op) ?? { op, calls: 0, flops: 0, bytes: 0, seconds: 0, arithmeticSeconds: 0 };
    kind.calls += runs;
    kind.flops += runs * flops;
    kind.bytes += runs * bytes;
    kind.seconds += runs * seconds;
    if (arithmetic > moving) kind.arithmeticSeconds += runs * seconds;
    kinds.set(op, kind);
    all.seconds += runs * seconds;
    all.arithmeticSeconds += runs * arithmetic;
    all.byteSeconds += runs * moving;
  };
  for (const part of parts) {
    for (const [index, op] of part.program.ops.entries()) add(part, op, index);
    all.flops += part.runs * part.program.cost.flops;
  }
  return { ...all, ops: [...kinds.values()].sort((a, b) => b.seconds - a.seconds) };
}

/** What `--plan` says of a prediction: a step of `tokens` tokens. */
export function describePrediction(
  { flops, seconds, arithmeticSeconds, byteSeconds, ops }: Prediction,
  { machine, tokens }: { machine: Machine; tokens: number },
): string {
  const ms = (time: number) => (1000 * time).toFixed(2);
  const mfu = flops / seconds / machine.bf16_flops;
  const lines = [
    `on ${machine.name}, had it every op at its limit (${machine.bf16_flops / 1e12} TFLOP/s in bf16, ${machine.f32_flops / 1e12} in f32, ${machine.bytes_per_second / 1e12} TB/s):`,
    `  step    ${ms(seconds)} ms, ${Math.round(tokens / seconds)} tokens/s, ${(100 * mfu).toFixed(1)} % of the bf16 rate`,
    `  floors  ${ms(arithmeticSeconds)} ms of arithmetic, ${ms(byteSeconds)} ms of bytes`,
    '',
    `  ${'op'.padEnd(30)} ${'calls'.padStart(6)} ${'ms'.padStart(9)} ${'share'.padStart(8)}  by arithmetic`,
    ...ops
      .filter((kind) => kind.seconds > seconds / 1000)
      .map((kind) => {
        const [share, limited] = [kind.seconds / seconds, kind.arithmeticSeconds / kind.seconds].map(
          (part) => `${(100 * part).toFixed(1)} %`,
        );
        return `  ${kind.op.padEnd(30)} ${String(kind.calls).padStart(6)} ${ms(kind.seconds).padStart(9)} ${share!.padStart(8)}  ${limited!.padStart(8)}`;
      }),
  ];
  return `${lines.join('\n')}\n`;
}
