import { availableParallelism } from 'node:os';
import { SluiceError } from '../errors.js';
import { type Engine, openEngine } from './engine.js';
import type { Session } from './session.js';

export interface OpenDevice {
  engine: Engine;
  session: Session;
  threads: number;
}

/**
 * The session that a stage's `device` and `threads` mean: `auto` is the best device there is, null all cores. Throws
 * `config.device` for one that this build cannot drive.
 */
export async function openDevice(config: { device: string; threads: number | null }): Promise<OpenDevice> {
  const device = config.device === 'auto' ? 'cpu' : config.device;
  if (device !== 'cpu') {
    throw new SluiceError('config.device', `device=${config.device} is not supported by this build`, {
      hint: 'use device=cpu or device=auto',
    });
  }
  const engine = await openEngine();
  const threads = threadsOf(config);
  return { engine, session: engine.session({ device, threads }), threads };
}

/** Threads that a config's `threads` means; null: all cores. */
export const threadsOf = (config: { threads: number | null }): number =>
  config.threads ?? availableParallelism();
