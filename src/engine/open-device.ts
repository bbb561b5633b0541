import { availableParallelism } from 'node:os';
import { type Engine, isCpu, openEngine } from './engine.js';
import type { Session } from './session.js';

export interface OpenDevice {
  engine: Engine;
  session: Session;
  threads: number;
}

/**
 * The session that a stage's `device` and `threads` mean: `auto` is the CPU, null all cores. Throws `engine.session`
 * where the device cannot be used, saying what is missing.
 */
export async function openDevice(
  config: { device: string; threads: number | null },
  { log }: { log(level: 'warning', text: string): void },
): Promise<OpenDevice> {
  const device = isCpu(config.device) ? 'cpu' : config.device;
  const engine = await openEngine();
  const threads = threadsOf(config);
  const session = engine.session({ device, threads });
  if (device !== 'cpu') log('warning', unproven(device));
  return { engine, session, threads };
}

const unproven = (device: string) =>
  `the back end of ${device} has been checked by an emulator alone, and never on a GPU: compare what it gives with device=cpu`;

/** Threads that a config's `threads` means; null: all cores. */
export const threadsOf = (config: { threads: number | null }): number =>
  config.threads ?? availableParallelism();
