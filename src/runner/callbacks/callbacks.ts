import { type InstantiateCall, instantiate } from '../../config/instantiate/instantiate.js';
import type { Registry } from '../../config/instantiate/registry.js';
import { nearest } from '../../config/nearest.js';
import { SluiceError } from '../../errors.js';
import type { FinishedRun, StageRun } from '../run-stage.js';
import { type Callback, type CallbackConfig, callbackEvents, type JobReturn } from './callback.js';

type Event = keyof Callback;

/** The callbacks of one command, told of each event in turn. */
export class Callbacks {
  private readonly named: [name: string, callback: Callback][];
  /** Where callbacks' lines and warnings about them go: the display while there is one. */
  print: (text: string) => void;

  constructor(named: [string, Callback][], print: (text: string) => void) {
    this.named = named;
    this.print = print;
  }

  /** `info` without `log`, which is added here. Resolves when all were told; never rejects. */
  async tell(event: Event, config: CallbackConfig, info: object): Promise<void> {
    const order = callbackEvents[event] === 'forward' ? this.named : this.named.toReversed();
    for (const [name, callback] of order) {
      const log = (text: string) => this.print(`${name}: ${text}`);
      try {
        await (callback[event] as Listener | undefined)?.call(callback, structuredClone(config), {
          ...info,
          log,
        });
      } catch (error) {
        this.print(`warning: callback ${name}: ${event} failed: ${(error as Error)?.message ?? error}`);
      }
    }
  }

  jobStart(run: StageRun, folder: string): Promise<void> {
    const { stage, label } = run;
    return this.tell('on_job_start', run.config, { stage, label, folder });
  }

  jobEnd(run: StageRun, finished: FinishedRun): Promise<void> {
    const { stage, label } = run;
    const { folder } = finished;
    return this.tell('on_job_end', run.config, { stage, label, folder, job_return: jobReturn(finished) });
  }
}

type Listener = (config: CallbackConfig, info: object) => unknown;

/** A finished run as callbacks see it. */
export function jobReturn({ folder, record }: FinishedRun): JobReturn {
  const { status, exitCode, durationSeconds } = record;
  return {
    status,
    exit_code: exitCode!,
    duration_seconds: durationSeconds!,
    folder,
    record: structuredClone(record),
  };
}

/** Makes the callbacks of `hydra.callbacks`. Throws `config.instantiate` for one that cannot be made or hears nothing. */
export async function openCallbacks(
  node: unknown,
  registry: Registry<Callback>,
  originOf: NonNullable<InstantiateCall['originOf']>,
  print: (text: string) => void,
): Promise<Callbacks> {
  const path = 'hydra.callbacks';
  const made = await instantiate<Callback, Record<string, Callback | null> | null>(node, registry, {
    path,
    originOf,
  });
  const named = Object.entries(made ?? {}).filter((entry): entry is [string, Callback] => entry[1] !== null);
  for (const [name, callback] of named) checkEvents(name, callback, originOf(`${path}.${name}`));
  return new Callbacks(named, print);
}

// A misspelt function would never be called, and nobody would know why.
function checkEvents(name: string, callback: Callback, where: string | undefined): void {
  const events = Object.keys(callbackEvents);
  const place = where === undefined ? {} : { where };
  const functions = functionsOf(callback);
  const stray = functions.find((key) => /^on[_A-Z]/.test(key) && !events.includes(key));
  if (stray !== undefined) {
    const [close] = nearest(stray, events);
    const hint = close === undefined ? `events are ${events.join(', ')}` : `did you mean ${close}?`;
    throw new SluiceError('config.instantiate', `callback ${name}: there is no event ${stray}`, {
      ...place,
      hint,
    });
  }
  if (functions.some((key) => events.includes(key))) return;
  const hint = `it can have ${events.join(', ')}`;
  throw new SluiceError('config.instantiate', `callback ${name} hears no event`, { ...place, hint });
}

// Also those that a class gives its instances.
function functionsOf(value: object): string[] {
  const names: string[] = [];
  for (let owner = value; owner !== null && owner !== Object.prototype; owner = Object.getPrototypeOf(owner))
    names.push(...Object.getOwnPropertyNames(owner));
  return [...new Set(names)].filter((name) => typeof (value as Record<string, unknown>)[name] === 'function');
}
