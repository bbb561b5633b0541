import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { SluiceError } from '../errors.js';

/** What the native module exports. Only this folder talks to it. */
export interface NativeAddon {
  version(): string;
  opNames(): string[];
  info(): EngineInfo;
  gpus(): GpuList;
  gpuRates(device: string): GpuRates;
  /** Of GPU kernels: all names, those that the emulator has run in this process, and conflicts of their reads (for tests). */
  emulatedKernels(): { known: string[]; run: string[]; bankConflicts: number };
  Session: new (options: { device: string; threads: number }) => NativeSession;
  measurePeak(options: PeakOptions): Promise<number>;
  measureRead(options: { threads: number; seconds: number; bytes: number }): Promise<number>;
  compareProducts(question: ProductQuestion): Promise<ProductTimes[]>;
  trainBpe(...args: unknown[]): unknown;
}

export interface EngineInfo {
  /** Instruction set the kernels were chosen for. */
  isa: string;
  cores: number;
  matmul: 'onednn' | 'openblas' | 'builtin';
  matmulVersion: string;
}

export interface GpuList {
  devices: GpuInfo[];
  /** Of each kind: why there are no devices, and what would help; null where there are some. */
  problems: Record<'cuda' | 'metal', string | null>;
}

export interface GpuInfo {
  /** As `device=` takes it: `cuda:0`, `metal`. */
  name: string;
  /** As its maker calls it, and what it can. */
  title: string;
  memoryBytes: number;
  /** The library that multiplies matrices, or why there is none. */
  products: string;
}

export interface GpuRates {
  /** Of a copy in its memory, reads and writes counted. */
  bytesPerSecond: number;
  /** Of a large matrix product, by whatever multiplies on this device. */
  f32Flops: number;
  bf16Flops: number;
}

export interface PeakOptions {
  dtype: 'f32' | 'bf16';
  threads: number;
  seconds: number;
}

/** A product [rows, depth] x [depth, columns]; an operand may lie transposed. */
export interface ProductQuestion {
  rows: number;
  columns: number;
  depth: number;
  transA: boolean;
  transB: boolean;
  operands: 'f32' | 'bf16';
  result: 'f32' | 'bf16';
  threads: number;
  turns: number;
  /** Of a turn, about. */
  seconds: number;
}

export interface ProductTimes {
  /** `engine`, or a way into the product library: `gemm`, `matmul`. */
  name: string;
  /** Largest, from the engine's result, as a share of its largest number. */
  difference: number;
  /** Seconds of one product, in every turn. */
  wall: number[];
  /** Alike, of the whole process on all its threads. */
  cpu: number[];
}

export interface NativeSession {
  setState(name: string, dtype: string, shape: readonly number[], data: ArrayBufferView | null): void;
  getState(name: string): { dtype: string; shape: number[]; data: ArrayBuffer };
  states(): { name: string; dtype: string; shape: number[]; bytes: number }[];
  readWeights(weights: readonly FileWeight[], threads: number): void;
  dropState(name: string): void;
  load(text: string): NativeProgram;
  bytes(): { states: number; arena: number; available: number };
  close(): void;
}

/** A weight of `rows` x `columns`, and the equal parts of it in open files, one behind the other. */
export interface FileWeight {
  readonly state: string;
  readonly held: 'f32' | 'bf16' | 'int8' | 'nf4';
  /** Of quantised weights: the state of their scales. */
  readonly scales?: string;
  readonly rows: number;
  readonly columns: number;
  /** Files hold [columns, rows]; only where quantised. */
  readonly transposed: boolean;
  readonly parts: readonly {
    readonly descriptor: number;
    readonly file: string;
    /** Bytes from the beginning of the file. */
    readonly start: number;
    readonly dtype: 'F64' | 'F32' | 'F16' | 'BF16';
  }[];
}

export interface NativeProgram {
  run(
    inputs: Record<string, ArrayBufferView>,
  ): Promise<{ outputs: Record<string, ArrayBuffer>; seconds: number }>;
  profile(): OpProfile[];
  setProfiling(on: boolean): void;
  setCheckFinite(on: boolean): void;
}

export interface OpProfile {
  /** Place of the op in the program. */
  index: number;
  op: string;
  scope: string;
  calls: number;
  seconds: number;
}

/** Loads the native module of this package. Throws `engine.missing` where it is not built, `engine.unloadable` else. */
export function loadAddon(path = addonPath()): NativeAddon {
  if (!existsSync(path)) {
    throw new SluiceError('engine.missing', 'the native engine is not built', {
      where: path,
      hint: buildHint,
    });
  }
  try {
    return createRequire(import.meta.url)(path) as NativeAddon;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SluiceError('engine.unloadable', `the native engine does not load: ${reason}`, {
      where: path,
      hint: buildHint,
      cause,
    });
  }
}

export const buildHint = 'build it with `./run --setup`';

// dist/src/engine -> build/Release
const addonPath = () => fileURLToPath(new URL('../../../build/Release/sluice.node', import.meta.url));
