/**
 * The first key that stands twice in one object of a JSON text, or null. JSON.parse would keep the last of them without
 * a word. `json` must be valid JSON.
 */
export function duplicateKey(json: string): string | null {
  const open: (Set<string> | null)[] = []; // keys of every object around, null for a list
  const token = /"(?:[^"\\]|\\.)*"|[{}[\]]/g;
  for (let match = token.exec(json); match !== null; match = token.exec(json)) {
    const text = match[0];
    if (text === '{') open.push(new Set());
    else if (text === '[') open.push(null);
    else if (text === '}' || text === ']') open.pop();
    else if (isKey(json, token.lastIndex)) {
      const key = JSON.parse(text) as string;
      const keys = open.at(-1)!;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return null;
}

/** Whether a string that ends at `end` is followed by a colon. */
function isKey(json: string, end: number): boolean {
  let at = end;
  while (/\s/.test(json.charAt(at))) at++;
  return json.charAt(at) === ':';
}
