import type { Display } from '../runner/display/display.js';
import { clock, skippedText } from '../runner/display/progress-text.js';
import type { LogEvent, TelemetryEvent } from '../telemetry/event.js';

/** Shows the steps of a pipeline that is a job of a sweep as what the job does; metrics are named `<step>.<metric>`. */
export function jobDisplay(label: string, display: Display): Display {
  const say = (text: string, level: LogEvent['level'] = 'info') =>
    display.event(label, { type: 'log', level, text });
  return {
    started: (step, folder) => say(`${step} started in ${folder}`),
    event: (step, event) => display.event(label, inStep(step, event)),
    note: (text, level) => display.note(text, level),
    ended: (step, status, seconds) => say(`${step} ${status} after ${clock(seconds)}`),
    skipped: (step, reason, folder) => say(`${step} ${skippedText(reason, folder)}`),
    close: async () => {}, // it is the sweep's
  };
}

function inStep(step: string, event: TelemetryEvent): TelemetryEvent {
  if (event.type === 'progress') return { ...event, phase: `${step} ${event.phase}` };
  if (event.type === 'log') return { ...event, text: `${step}: ${event.text}` };
  if (event.type === 'table') return { ...event, title: `${step}: ${event.title}` };
  const values = Object.entries(event.values).map(([name, value]) => [`${step}.${name}`, value] as const);
  const measured = event.measured?.map((name) => `${step}.${name}`);
  return { ...event, values: Object.fromEntries(values), ...(measured === undefined ? {} : { measured }) };
}
