import { numberText as plainNumberText } from '../../report/format.js';
import type { MetricValue } from '../../runner/run-record.js';

/** As in the report; what is no finite number by its name. */
export const numberText = (value: MetricValue) =>
  typeof value === 'string' ? value : plainNumberText(value);

/** `2026-01-31 12:00:00`, in the time of this machine, as the folders of runs are named. */
export function timeText(iso: string): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return iso;
  const two = (value: number) => String(value).padStart(2, '0');
  const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('-');
  return `${day} ${[time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')}`;
}

/** Enough of a sha256 to tell it by. */
export const shortHash = (sha256: string) => sha256.slice(0, 12);

/** Text lines, the value behind a name of equal width; what is empty is left out. */
export function fields(rows: readonly (readonly [name: string, value: string | null | undefined])[]): string {
  const shown = rows.filter(([, value]) => value !== null && value !== undefined && value !== '');
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}
