import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { isAbsolute, resolve } from 'node:path';
import type { CheckFacts } from '../config/index.js';
import type { Project } from './project.js';

/** What configs are checked against besides their schemas: the files and devices of this machine. */
export function machineFacts({ root }: Project): CheckFacts {
  return {
    resolvePath: (path) => (isAbsolute(path) ? path : resolve(root, path)),
    missingDevice,
    cores: availableParallelism(),
  };
}

/** What keeps a device of a config from being used here; src/engine drives the CPU alone so far. */
export function missingDevice(device: string): { message: string; hint: string } | undefined {
  const hint = 'use device=cpu, or device=auto for the fastest that is there';
  if (device.startsWith('cuda')) {
    const driver = existsSync('/proc/driver/nvidia/version') || existsSync('/dev/nvidiactl');
    const lack = driver ? 'this build has no CUDA backend' : 'there is no NVIDIA driver on this machine';
    return { message: `${device} cannot be used: ${lack}`, hint };
  }
  if (device === 'metal') {
    const lack =
      process.platform === 'darwin' ? 'this build has no Metal backend' : 'Metal is only on Apple machines';
    return { message: `metal cannot be used: ${lack}`, hint };
  }
  return undefined;
}
