/** 1536 -> `1.5 KiB`. */
export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) {
    bytes /= 1024;
    unit += 1;
  }
  return `${unit === 0 || bytes >= 100 ? Math.round(bytes) : bytes.toFixed(1)} ${units[unit]}`;
}

/** 75.2 -> `1 min 15 s`; below ten seconds with one decimal, below a tenth of one in milliseconds. */
export function durationText(seconds: number): string {
  if (seconds > 0 && seconds < 0.095) return `${Number((1000 * seconds).toPrecision(2))} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** A number as a person reads it: four significant digits, thousands grouped, tiny and huge ones in powers of ten. */
export function numberText(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e9) return value.toLocaleString('en-US');
  if (size !== 0 && (size < 1e-3 || size >= 1e9)) return value.toExponential(2).replace('e+', 'e');
  if (size >= 1000) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(4)));
}

/** 0.1234 -> `12.3 %`. */
export function shareText(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** 1.2e12 -> `1.20 T`. */
export function countText(value: number): string {
  const units = ['', ' k', ' M', ' G', ' T', ' P', ' E'];
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return unit === 0 ? String(value) : `${value.toPrecision(3)}${units[unit]}`;
}

const EXAMPLE_CHARACTERS = 420;

/** A text to read as an example, long ones cut. */
export function clippedText(text: string): string {
  const characters = Array.from(text.slice(0, 2 * EXAMPLE_CHARACTERS + 2));
  return characters.length <= EXAMPLE_CHARACTERS
    ? text
    : `${characters.slice(0, EXAMPLE_CHARACTERS).join('')} …`;
}

/** `2026-01-31T12:00:00.123Z` -> `2026-01-31 12:00:00 UTC`; anything else stays as it is. */
export function timeText(iso: string): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return iso;
  return `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
