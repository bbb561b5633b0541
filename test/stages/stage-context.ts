import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { trackReads } from '../../src/config/index.js';
import type { StageContext } from '../../src/runner/stage.js';
import type { TelemetryEvent } from '../../src/telemetry/event.js';
import { type Plugins, registriesWith } from '../../stages/registries.js';

/** What a stage run in this process said. */
export interface Recorded<Config> {
  context: StageContext<Config>;
  facts: Record<string, unknown>;
  outputs: Record<string, string>;
  events: TelemetryEvent[];
  /** Keys of the config that were not read so far. */
  unread(): string[];
}

/** A context that runs a stage in this process, in a temporary run folder. */
export function stageContext<Config extends object>(given: Config, plugins: Plugins = {}): Recorded<Config> {
  const recorded = { facts: {}, outputs: {}, events: [] } as Omit<Recorded<Config>, 'context' | 'unread'>;
  const { config, unread } = trackReads(given);
  const context: StageContext<Config> = {
    config,
    runDirectory: mkdtempSync(join(tmpdir(), 'sluice-stage-')),
    resolvePath: (path) => path,
    plainConfig: given,
    signal: new AbortController().signal,
    takeCheckpointRequest: () => false,
    isWatched: () => true,
    registries: registriesWith(plugins),
    emit: (event) => void recorded.events.push(event),
    log: () => {},
    addInput: () => {},
    addOutput: (name, path) => {
      recorded.outputs[name] = path;
    },
    addFact: (key, value) => {
      recorded.facts[key] = value;
    },
  };
  return { ...recorded, context, unread };
}
