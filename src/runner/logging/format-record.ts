import { formatTime } from '../../config/interpolation/format-time.js';
import type { LogEvent } from '../../telemetry/event.js';
import { levelNumber } from './level.js';

/** A line as it is logged. */
export interface LogRecord {
  /** Of its logger: the stage, a room, `hydra`. */
  name: string;
  level: LogEvent['level'];
  text: string;
  time: Date;
}

/** A record by Python's format: `[%(asctime)s][%(name)s][%(levelname)-8s] - %(message)s`. Fields unknown here stay as written. */
export function formatRecord(
  { name, level, text, time }: LogRecord,
  format: string,
  dateFormat: string | undefined,
): string {
  const fields: Record<string, () => string | number> = {
    message: () => text,
    name: () => name,
    levelname: () => level.toUpperCase(),
    levelno: () => levelNumber(level)!,
    asctime: () => (dateFormat === undefined ? localTime(time) : formatTime(time, dateFormat)),
    created: () => time.getTime() / 1000,
    msecs: () => time.getMilliseconds(),
    process: () => process.pid,
  };
  return format.replace(
    /%%|%\((\w+)\)(-?)(0?)(\d*)(?:\.(\d+))?[sdf]/g,
    (
      whole,
      field: string | undefined,
      left: string,
      zero: string,
      width: string,
      digits: string | undefined,
    ) => {
      if (field === undefined) return '%';
      const value = Object.hasOwn(fields, field) ? fields[field]!() : whole;
      const shown =
        typeof value === 'number' && digits !== undefined ? value.toFixed(Number(digits)) : String(value);
      return left === '-' ? shown.padEnd(Number(width)) : shown.padStart(Number(width), zero || ' ');
    },
  );
}

/** 2026-01-31 12:00:00,123 */
function localTime(time: Date): string {
  const local = new Date(time.getTime() - time.getTimezoneOffset() * 60_000);
  return local.toISOString().replace('T', ' ').replace('.', ',').replace('Z', '');
}
