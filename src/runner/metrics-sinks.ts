import { instantiate } from '../config/instantiate/instantiate.js';
import type { MetricsEvent } from '../telemetry/event.js';
import type { RunEnd } from '../telemetry/export/run-info.js';
import { openJsonlSink } from '../telemetry/sinks/jsonl.js';
import type { MetricsSink, OpenSink } from '../telemetry/sinks/sink.js';
import type { Registries } from './registries.js';

/** The sinks of a config's `telemetry.sinks`, by name, not opened yet. */
export type NamedSinks = Record<string, OpenSink>;

/** Makes what `telemetry.sinks` names; a sink set to null is none. Throws `config.instantiate`. */
export async function configuredSinks(
  config: Readonly<Record<string, unknown>>,
  registries: Registries,
): Promise<NamedSinks> {
  const { sinks } = (config.telemetry ?? {}) as { sinks?: unknown };
  const made = await instantiate<OpenSink, Record<string, OpenSink | null> | null>(sinks, registries.sinks, {
    path: 'telemetry.sinks',
  });
  return Object.fromEntries(
    Object.entries(made ?? {}).filter((entry): entry is [string, OpenSink] => entry[1] !== null),
  );
}

/**
 * metrics.jsonl, which a run's report and a sweep's objective are read from, and the configured sinks. Of those, one
 * that fails is left out from there on and told about; it does not end the run.
 */
export class MetricsSinks {
  private readonly jsonl: ReturnType<typeof openJsonlSink>;
  private readonly others = new Map<string, MetricsSink>();
  private readonly warn: (text: string) => void;

  constructor(named: NamedSinks, folder: string, warn: (text: string) => void) {
    const seconds = Date.now() / 1000;
    this.warn = warn;
    this.jsonl = openJsonlSink(folder);
    for (const [name, open] of Object.entries(named))
      this.attempt(name, () => {
        const sink = open(folder, seconds, (text) => this.warn(`metrics sink ${name}: ${text}`));
        this.others.set(name, sink);
      });
  }

  write(event: MetricsEvent): void {
    const seconds = event.seconds ?? Date.now() / 1000;
    this.jsonl.write(event, seconds);
    for (const [name, sink] of this.others) this.attempt(name, () => sink.write(event, seconds));
  }

  /** Resolves when metrics.jsonl is whole, or it was told that it is not. */
  closeJsonl(): Promise<void> {
    return this.jsonl.close().catch((error: unknown) => this.tell('metrics.jsonl', error));
  }

  /** After closeJsonl. Those that send somewhere do so at the same time; `stop`: nobody waits for them any longer. */
  async closeOthers(end: RunEnd, stop: AbortSignal): Promise<void> {
    const closed = [...this.others].map(([name, sink]) =>
      sink.close(end, stop).catch((error: unknown) => this.tell(name, error)),
    );
    await Promise.all(closed);
  }

  private attempt(name: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.others.delete(name);
      this.tell(name, error);
    }
  }

  private tell(name: string, error: unknown): void {
    this.warn(`metrics sink ${name} failed: ${(error as Error)?.message ?? error}`);
  }
}
