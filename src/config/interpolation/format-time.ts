const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/** A moment in local time by a strftime pattern. Directives outside the common ones stay as written. */
export function formatTime(time: Date, pattern: string): string {
  return pattern.replace(
    /%([a-zA-Z%])/g,
    (whole, directive: string) => DIRECTIVES[directive]?.(time) ?? whole,
  );
}

const two = (value: number): string => String(value).padStart(2, '0');

const DIRECTIVES: Record<string, (time: Date) => string> = {
  Y: (time) => String(time.getFullYear()),
  y: (time) => two(time.getFullYear() % 100),
  m: (time) => two(time.getMonth() + 1),
  d: (time) => two(time.getDate()),
  H: (time) => two(time.getHours()),
  I: (time) => two(time.getHours() % 12 || 12),
  M: (time) => two(time.getMinutes()),
  S: (time) => two(time.getSeconds()),
  f: (time) => `${String(time.getMilliseconds()).padStart(3, '0')}000`,
  p: (time) => (time.getHours() < 12 ? 'AM' : 'PM'),
  j: (time) => String(dayOfYear(time)).padStart(3, '0'),
  a: (time) => DAYS[time.getDay()]!.slice(0, 3),
  A: (time) => DAYS[time.getDay()]!,
  b: (time) => MONTHS[time.getMonth()]!.slice(0, 3),
  B: (time) => MONTHS[time.getMonth()]!,
  w: (time) => String(time.getDay()),
  u: (time) => String(time.getDay() || 7),
  s: (time) => String(Math.floor(time.getTime() / 1000)),
  F: (time) => formatTime(time, '%Y-%m-%d'),
  T: (time) => formatTime(time, '%H:%M:%S'),
  D: (time) => formatTime(time, '%m/%d/%y'),
  R: (time) => formatTime(time, '%H:%M'),
  '%': () => '%',
};

function dayOfYear(time: Date): number {
  const start = Date.UTC(time.getFullYear(), 0, 0);
  return Math.round((Date.UTC(time.getFullYear(), time.getMonth(), time.getDate()) - start) / 86_400_000);
}
