const milliseconds = { m: 60e3, h: 3600e3, d: 86400e3, w: 7 * 86400e3 };

/**
 * `30m`, `12h`, `2d`, `1w`: that long before now; `2026-01-31` (its beginning here), `2026-01-31T12:00`, or any other ISO
 * time. Unix milliseconds; undefined for any other text.
 */
export function readTime(text: string, now = Date.now()): number | undefined {
  const [, count, unit] = /^(\d+(?:\.\d+)?)([mhdw])$/.exec(text) ?? [];
  if (count !== undefined) return now - Number(count) * milliseconds[unit as keyof typeof milliseconds];
  if (!/^\d{4}-\d\d-\d\d/.test(text)) return undefined;
  const time = Date.parse(text.length === 10 ? `${text}T00:00` : text);
  return Number.isNaN(time) ? undefined : time;
}
