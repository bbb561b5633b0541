const ESCAPABLE = '.[]=';

/**
 * A key path into its keys: `a.b`, `a[b]`, `[a].b` are all `a`, `b`. A backslash before `.`, `[`, `]` or `=` makes it part of
 * the key. An unclosed bracket drops the rest, as the reference does.
 */
export function splitKey(path: string): string[] {
  if (!/[[\\]/.test(path)) return path.split('.');
  const keys: string[] = [];
  let index = 0;
  const readUntil = (stops: string): string => {
    let key = '';
    while (index < path.length && !stops.includes(path[index]!)) {
      if (path[index] === '\\' && index + 1 < path.length && ESCAPABLE.includes(path[index + 1]!)) index++;
      key += path[index++];
    }
    return key;
  };
  if (path[0] !== '[') keys.push(readUntil('.['));
  while (index < path.length) {
    if (path[index++] === '.') {
      keys.push(readUntil('.['));
    } else {
      const key = readUntil(']');
      if (index >= path.length) break;
      index++;
      keys.push(key);
    }
  }
  return keys;
}

/** Text as Python's `int()` takes it, as an index; undefined for other text. */
export function parseIndex(key: string): number | undefined {
  const text = key.trim();
  return /^[-+]?\d+(?:_\d+)*$/.test(text) ? Number(text.replaceAll('_', '')) : undefined;
}
