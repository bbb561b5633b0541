import type { TelemetryEvent } from '../../telemetry/event.js';
import type { Display } from './display.js';

/** `--log json`: one object per event, as it came, with the step it belongs to and the time. */
export function openJsonLines(stream: NodeJS.WritableStream): Display {
  const print = (fields: object) =>
    void stream.write(`${JSON.stringify({ time: new Date().toISOString(), ...fields })}\n`);
  return {
    started: (step, folder) => print({ step, type: 'started', folder }),
    event: (step, event) =>
      print({ ...lasting(event), ...('step' in event ? { at: event.step } : {}), step }),
    note: (text) => print({ type: 'note', text }),
    ended: (step, status, seconds, detail) => print({ step, type: 'ended', status, seconds, detail }),
    skipped: (step, reason, folder) => print({ step, type: 'skipped', reason, folder }),
    close: async () => {},
  };
}

/** Without what only a person looks at while it changes. */
const lasting = (event: TelemetryEvent): TelemetryEvent =>
  event.type === 'progress' ? { ...event, text: undefined } : event;
