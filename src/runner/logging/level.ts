const levels: Readonly<Record<string, number>> = {
  NOTSET: 0,
  DEBUG: 10,
  INFO: 20,
  WARNING: 30,
  WARN: 30,
  ERROR: 40,
  CRITICAL: 50,
  FATAL: 50,
};

/** Python's number of a level, by its name in any case, or the number itself; undefined for what is no level. */
export function levelNumber(level: unknown): number | undefined {
  if (typeof level === 'number') return level;
  const name = String(level).toUpperCase();
  return Object.hasOwn(levels, name) ? levels[name] : undefined;
}
