import { SluiceError } from '../errors.js';
import { type OpName, opList } from '../graph/op-list.js';
import {
  buildHint,
  type EngineInfo,
  type GpuList,
  type GpuRates,
  loadAddon,
  type NativeAddon,
  type PeakOptions,
  type ProductQuestion,
  type ProductTimes,
} from './addon.js';
import { guarded, nativeError } from './native-error.js';
import { Session, type SessionOptions } from './session.js';

/** `auto` is the CPU (docs/cuda.md). */
export const isCpu = (device: string): boolean => device === 'cpu' || device === 'auto';

export const isGpu = (device: string): boolean => /^(cuda(:\d+)?|metal)$/.test(device);

/** The native engine, loaded. */
export class Engine {
  /** For the rooms whose native functions are not programs (training a tokenizer). */
  readonly addon: NativeAddon;

  constructor(addon: NativeAddon) {
    this.addon = addon;
  }

  get version(): string {
    return this.addon.version();
  }

  get info(): EngineInfo {
    return this.addon.info();
  }

  /** Whether the machine multiplies bf16 itself; else bf16 operands are widened first, and bf16 is no faster. */
  get hasBf16Products(): boolean {
    return this.info.isa === 'avx512_bf16';
  }

  /** The GPUs that can be used, and why there are none of a kind. */
  gpus(): GpuList {
    return this.addon.gpus();
  }

  /** What `cuda:1` or `metal` can do, measured now; the event loop waits. Throws `engine.peak`. */
  gpuRates(device: string): GpuRates {
    return guarded('engine.peak', () => this.addon.gpuRates(device));
  }

  /** A session: named states and the programs that share them. Throws `engine.session` for an unknown device. */
  session(options: SessionOptions): Session {
    return new Session(
      guarded('engine.session', () => new this.addon.Session(options)),
      options,
    );
  }

  /**
   * FLOP/s of a large matrix product: what a share of the peak is a share of. Measured now, in five parts of which the
   * fastest counts, so that whatever else the machine does meanwhile does not pass for a slow machine.
   */
  async measurePeak({ device = 'cpu', ...options }: PeakOptions & { device?: string }): Promise<number> {
    if (isGpu(device)) {
      const { f32Flops, bf16Flops } = this.gpuRates(device);
      return options.dtype === 'bf16' ? bf16Flops : f32Flops;
    }
    try {
      let best = 0;
      for (let part = 0; part < 5; part += 1) {
        best = Math.max(best, await this.addon.measurePeak({ ...options, seconds: options.seconds / 5 }));
      }
      return best;
    } catch (cause) {
      throw nativeError('engine.peak', cause);
    }
  }

  /**
   * Bytes/s that the threads read `bytes` of memory at (256 MiB, far past the caches), the best of what `seconds` allow:
   * the limit of decoding.
   */
  async measureRead(options: { threads: number; seconds: number; bytes?: number }): Promise<number> {
    try {
      return await this.addon.measureRead({ bytes: 2 ** 28, ...options });
    } catch (cause) {
      throw nativeError('engine.peak', cause);
    }
  }

  /** A product by the engine's own op and, where it is built with one, by the product library alone, in turns. */
  async compareProducts(question: ProductQuestion): Promise<ProductTimes[]> {
    try {
      return await this.addon.compareProducts(question);
    } catch (cause) {
      throw nativeError('engine.peak', cause);
    }
  }
}

/**
 * Loads the native engine; importing this room does not. Throws `engine.missing` where it is not built and
 * `engine.op_list` where it was built from another op list.
 */
export async function openEngine(path?: string): Promise<Engine> {
  const addon = loadAddon(path);
  checkOpNames(addon.opNames());
  return new Engine(addon);
}

/** Refuses an engine that knows other ops than this code. */
export function checkOpNames(native: readonly string[]): void {
  const ours = Object.keys(opList) as OpName[];
  const lacking = ours.filter((op) => !native.includes(op));
  const foreign = native.filter((op) => !Object.hasOwn(opList, op));
  if (lacking.length + foreign.length === 0) return;
  const differences = [...lacking.map((op) => `-${op}`), ...foreign.map((op) => `+${op}`)].join(' ');
  throw new SluiceError(
    'engine.op_list',
    `the native engine was built from another op list: ${differences}`,
    {
      hint: buildHint,
    },
  );
}
