import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import type { CheckFacts } from '../config/index.js';
import type { Project } from './project.js';

/** What configs are checked against besides their schemas: the files and devices of this machine. */
export function machineFacts({ root }: Project): CheckFacts {
  return {
    resolvePath: (path) => (isAbsolute(path) ? path : resolve(root, path)),
    missingDevice: (device) => missingDevice(device, root),
    cores: availableParallelism(),
  };
}

/** What keeps a device of a config from being used here, as far as files tell; the engine itself knows the rest. */
export function missingDevice(device: string, root: string): { message: string; hint: string } | undefined {
  const lack = device.startsWith('cuda')
    ? missingCuda(root)
    : device === 'metal'
      ? missingMetal(root)
      : undefined;
  const hint = './run devices lists what can be used here; device=cpu always can';
  return lack === undefined ? undefined : { message: `${device} cannot be used: ${lack}`, hint };
}

function missingCuda(root: string): string | undefined {
  const driver = ['/proc/driver/nvidia/version', '/dev/nvidiactl', '/usr/lib/wsl/lib/libcuda.so.1'];
  if (!driver.some((path) => existsSync(path))) return 'there is no NVIDIA driver on this machine';
  const built = join(root, 'build/Release');
  if (!existsSync(built) || existsSync(join(built, 'sluice-cuda.so'))) return undefined;
  return 'the CUDA module is not built (install the CUDA toolkit, which has nvcc, and call ./run --setup)';
}

function missingMetal(root: string): string | undefined {
  if (process.platform !== 'darwin') return 'Metal is only on Apple machines';
  const built = join(root, 'build/Release');
  if (!existsSync(built) || existsSync(join(built, 'sluice-metal.so'))) return undefined;
  return "the Metal module is not built (install Xcode's command line tools and call ./run --setup)";
}
