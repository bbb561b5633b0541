import type { MetricsEvent, TelemetryEvent } from '../telemetry/event.js';
import { nameNonFinite } from '../telemetry/non-finite.js';

/**
 * Every figure a run logged so far, so that a checkpoint can hold them: the run that goes on from it tells the whole
 * story, whatever the files of the interrupted one lack. `emit` passes events on; metrics get their time here.
 */
export class MetricsLog {
  readonly #logged: MetricsEvent[] = [];
  readonly #forward: (event: TelemetryEvent) => void;

  constructor(forward: (event: TelemetryEvent) => void) {
    this.#forward = forward;
  }

  emit = (event: TelemetryEvent): void => {
    if (event.type !== 'metrics') {
      this.#forward(event);
      return;
    }
    const timed = { ...event, seconds: event.seconds ?? Date.now() / 1000 };
    this.#logged.push(timed);
    this.#forward(timed);
  };

  /** A line per logged step, JSON. Numbers that are not finite, which JSON lacks, stand as their names. */
  text(): string {
    return this.#logged.map((event) => `${JSON.stringify(event, nameNonFinite)}\n`).join('');
  }

  /** Logs what an earlier run's {@link text} holds. */
  replay(text: string): void {
    for (const line of text.split('\n').slice(0, -1)) {
      const event = JSON.parse(line) as MetricsEvent;
      const values = Object.entries(event.values).map(([name, value]) => [name, Number(value)] as const);
      this.emit({ ...event, values: Object.fromEntries(values) });
    }
  }
}
