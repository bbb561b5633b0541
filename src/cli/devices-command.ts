import { totalmem } from 'node:os';
import type { Engine } from '../engine/index.js';
import { openEngine, threadsOf } from '../engine/index.js';
import { describeError, SluiceError } from '../errors.js';
import { bytesText } from '../report/format.js';
import type { CommandLine } from './arguments.js';
import { missingDevice } from './check-facts.js';
import type { Project } from './project.js';
import { tableText } from './table-text.js';

/** A device as measured now; what could not be measured is null. */
interface DeviceRow {
  name: string;
  title: string;
  memory_bytes: number;
  /** The CPU's of reading, a GPU's of copying (reads and writes counted). */
  bytes_per_second: number | null;
  f32_flops: number | null;
  bf16_flops: number | null;
  /** What multiplies matrices, or why nothing faster does. */
  products: string;
  problem: string | null;
}

interface MissingDevice {
  name: string;
  problem: string;
  hint: string;
}

/** `./run devices`: what `device=` can name here, how fast it is, and for what cannot be used, why and what to install. */
export async function devicesCommand({ rest, log }: CommandLine, project: Project): Promise<number> {
  if (rest[0] !== undefined) {
    throw new SluiceError('usage.devices', `devices does not know ${rest[0]}`, {
      hint: './run devices, with --log json for programs',
    });
  }
  const engine = await openEngine();
  const gpus = engine.gpus();
  const devices = [await cpuRow(engine), ...gpus.devices.map((gpu) => gpuRow(engine, gpu))];
  const missing = missingDevices(gpus.problems, project.root);
  project.stdout.write(
    log === 'json' ? `${JSON.stringify({ devices, missing })}\n` : `${text(devices, missing)}\n`,
  );
  return 0;
}

async function cpuRow(engine: Engine): Promise<DeviceRow> {
  const threads = threadsOf({ threads: null });
  const { isa, matmul, matmulVersion } = engine.info;
  return {
    name: 'cpu',
    title: `${threads} cores, ${isa}`,
    memory_bytes: totalmem(),
    bytes_per_second: await engine.measureRead({ threads, seconds: 0.3 }),
    f32_flops: await engine.measurePeak({ dtype: 'f32', threads, seconds: 0.3 }),
    bf16_flops: await engine.measurePeak({ dtype: 'bf16', threads, seconds: 0.3 }),
    products: `${matmul} ${matmulVersion}`.trim(),
    problem: null,
  };
}

function gpuRow(engine: Engine, gpu: ReturnType<Engine['gpus']>['devices'][number]): DeviceRow {
  const row = {
    name: gpu.name,
    title: gpu.title,
    memory_bytes: gpu.memoryBytes,
    products: gpu.products,
  };
  try {
    const rates = engine.gpuRates(gpu.name);
    return {
      ...row,
      bytes_per_second: rates.bytesPerSecond,
      f32_flops: rates.f32Flops,
      bf16_flops: rates.bf16Flops,
      problem: null,
    };
  } catch (error) {
    return {
      ...row,
      bytes_per_second: null,
      f32_flops: null,
      bf16_flops: null,
      problem: describeError(error),
    };
  }
}

/** `problems`: what the engine says of each kind, null where it has devices. */
function missingDevices(problems: ReturnType<Engine['gpus']>['problems'], root: string): MissingDevice[] {
  return (['cuda', 'metal'] as const).flatMap((name) => {
    const problem = problems[name];
    if (problem === null) return [];
    const known = missingDevice(name, root);
    return {
      name,
      problem: known?.message ?? `${name} cannot be used: ${problem}`,
      hint: installHints[name],
    };
  });
}

const installHints = {
  cuda: "install NVIDIA's driver (Debian: nvidia-driver), the CUDA toolkit with nvcc and cuBLAS, then call ./run --setup; see docs/cuda.md",
  metal:
    process.platform === 'darwin'
      ? "install Xcode's command line tools (xcode-select --install), then call ./run --setup; see docs/metal.md"
      : 'there is nothing to install',
};

function text(devices: readonly DeviceRow[], missing: readonly MissingDevice[]): string {
  const bandwidth = (value: number | null) => (value === null ? '–' : `${(value / 1e9).toPrecision(3)} GB/s`);
  const flops = (value: number | null) =>
    value === null
      ? '–'
      : value < 1e12
        ? `${Math.round(value / 1e9)} GFLOP/s`
        : `${Math.round(value / 1e12)} TFLOP/s`;
  const table = tableText({
    title: 'Devices, measured now',
    columns: ['device', 'what it is', 'memory', 'bandwidth', 'fp32', 'bf16', 'products by'],
    rows: devices.map((row) => [
      row.name,
      row.title,
      bytesText(row.memory_bytes),
      bandwidth(row.bytes_per_second),
      flops(row.f32_flops),
      flops(row.bf16_flops),
      row.products,
    ]),
  });
  const notes = [
    ...devices.flatMap(({ name, problem }) => (problem === null ? [] : [`${name}: ${problem}`])),
    ...missing.map(({ problem, hint }) => `${problem}\n  hint: ${hint}`),
  ];
  return [table, ...(notes.length > 0 ? ['', ...notes] : [])].join('\n');
}
